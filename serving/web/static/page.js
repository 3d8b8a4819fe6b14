// The page: connects its form, player, keys and downloads.

import { fetchAnimation, fetchDrawings, fetchModel } from "./api.js";
import { bytes, unpacked } from "./drawing.js";
import { FIRST, showExamples } from "./examples.js";
import { Player } from "./player.js";
import { Stage } from "./stage.js";

const MOST_SEEDS = 1_000_000;

const element = (id) => document.getElementById(id);
const calm = matchMedia("(prefers-reduced-motion: reduce)");

const stage = new Stage();
const player = new Player((step, playing) => {
  stage.show(step);
  element("play").classList.toggle("playing", playing);
  element("play").ariaLabel = playing ? "Pause" : "Play";
  element("stage").classList.toggle("finished", !playing && step === player.steps - 1);
});
let shown = null; // the request of the drawings on the stage
let latest = 0; // number of the last request; answers to older ones are not shown

function formRequest() {
  const number = (id) => element(id).valueAsNumber;
  return {
    prompt: element("prompt").value.trim(),
    n: number("n"),
    seed: number("seed"),
    temperature: number("temperature"),
  };
}

/** What is wrong with a request, in a sentence, or "". */
function mistake({ prompt, n, seed }) {
  if (!prompt) return "The caption is empty: describe in a few words what to draw.";
  if (!Number.isInteger(n) || n < 1 || n > 12) return "Choose from 1 to 12 pictures.";
  if (!Number.isSafeInteger(seed) || seed < 0) return "The seed must be a whole number of 0 or more.";
  return "";
}

async function draw() {
  const request = formRequest();
  const error = mistake(request);
  showError(error);
  if (error) return;
  latest += 1;
  const number = latest;
  setBusy(true);
  try {
    const drawings = (await fetchDrawings(request)).map(unpacked);
    if (number === latest) show(drawings, request);
  } catch (error) {
    if (number === latest) showError(error.message);
  } finally {
    if (number === latest) setBusy(false);
  }
}

function show(drawings, request) {
  shown = request;
  history.replaceState(null, "", `?${new URLSearchParams(request)}`);
  player.load(drawings[0].steps);
  stage.load(drawings, request.prompt, player.milliseconds);
  element("status").textContent = `Drawn: ${request.prompt}`;
  if (calm.matches) player.seek(drawings[0].steps - 1);
  else player.play();
}

function setBusy(busy) {
  element("draw").textContent = busy ? "Drawing…" : "Draw";
  element("stage").ariaBusy = String(busy);
}

function showError(text) {
  element("error").hidden = !text;
  element("error").textContent = text;
}

async function choose(caption) {
  element("prompt").value = caption;
  await draw();
  element(shown ? "play" : "prompt").focus(); // scrolls the drawing into view, above the examples
}

function reseed() {
  element("seed").value = Math.floor(Math.random() * MOST_SEEDS);
  draw();
}

function showTemperature() {
  element("temperature-value").value = element("temperature").valueAsNumber.toFixed(2);
}

function download(blob, suffix) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  const name = shown.prompt.replace(/[^\p{L}\p{N}]+/gu, "-").slice(0, 80);
  link.download = `${name}-${stage.drawing.seed}.${suffix}`;
  link.click();
  URL.revokeObjectURL(link.href);
}

function downloadPng() {
  download(new Blob([bytes(stage.drawing.png)], { type: "image/png" }), "png");
}

async function downloadGif() {
  try {
    const request = { ...shown, n: 1, seed: Number(stage.drawing.seed) };
    download(await fetchAnimation(request), "gif");
  } catch (error) {
    showError(error.message);
  }
}

/** Space and arrow keys control the player, except where the focused element uses them itself. */
function onKey(event) {
  const { target, key } = event;
  if (!shown || event.altKey || event.ctrlKey || event.metaKey) return;
  const step = element("step");
  if (target !== step && target.closest("input")) return;
  if (key === " " && target.tagName !== "BUTTON") player.toggle();
  else if (key === "ArrowLeft" && target !== step) player.seek(player.step - 1);
  else if (key === "ArrowRight" && target !== step) player.seek(player.step + 1);
  else return;
  event.preventDefault();
}

/** The address of the page holds the request, so that a drawing can be shared or bookmarked. */
function fillFromAddress() {
  const address = new URLSearchParams(location.search);
  element("prompt").value = address.get("prompt") ?? FIRST;
  for (const id of ["n", "seed", "temperature"]) {
    if (address.has(id)) element(id).value = address.get(id);
  }
  showTemperature();
}

async function showModel() {
  const { model, version, server } = await fetchModel();
  element("model").textContent = `${model}, version ${version}, at ${server}`;
}

element("form").addEventListener("submit", (event) => {
  event.preventDefault();
  draw();
});
element("temperature").addEventListener("input", showTemperature);
element("temperature").addEventListener("change", () => shown && draw());
element("reseed").addEventListener("click", reseed);
element("play").addEventListener("click", () => player.toggle());
element("step").addEventListener("input", () => player.seek(element("step").valueAsNumber - 1));
element("png").addEventListener("click", downloadPng);
element("gif").addEventListener("click", downloadGif);
document.addEventListener("keydown", onKey);

showExamples(element("examples"), choose);
fillFromAddress();
draw();
showModel().catch(() => {}); // the drawing's own error is shown
