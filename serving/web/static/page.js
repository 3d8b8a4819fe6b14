// The page: its form, player, keys and downloads, wired together.

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
let shown = null; // the request behind what is on the stage
let latest = 0; // number of the last request: an older one's answer is not shown

function wanted() {
  const number = (id) => element(id).valueAsNumber;
  return {
    prompt: element("prompt").value.trim(),
    n: number("n"),
    seed: number("seed"),
    temperature: number("temperature"),
  };
}

/** What is wrong with a request, in words, or "". */
function mistake({ prompt, n, seed }) {
  if (!prompt) return "The caption is empty: say in a few words what to draw.";
  if (!Number.isInteger(n) || n < 1 || n > 12) return "Choose from 1 to 12 pictures.";
  if (!Number.isSafeInteger(seed) || seed < 0) return "The seed must be a whole number from 0 up.";
  return "";
}

async function draw() {
  const request = wanted();
  const wrong = mistake(request);
  showError(wrong);
  if (wrong) return;
  latest += 1;
  const mine = latest;
  setBusy(true);
  try {
    const drawings = (await fetchDrawings(request)).map(unpacked);
    if (mine === latest) show(drawings, request);
  } catch (error) {
    if (mine === latest) showError(error.message);
  } finally {
    if (mine === latest) setBusy(false);
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
  element(shown ? "play" : "prompt").focus(); // the examples lie below: brings the drawing into view
}

function reseed() {
  element("seed").value = Math.floor(Math.random() * MOST_SEEDS);
  draw();
}

function showTemperature() {
  element("temperature-value").value = element("temperature").valueAsNumber.toFixed(2);
}

function download(blob, ending) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  const name = shown.prompt.replace(/[^\p{L}\p{N}]+/gu, "-").slice(0, 80);
  link.download = `${name}-${stage.drawing.seed}.${ending}`;
  link.click();
  URL.revokeObjectURL(link.href);
}

function downloadPng() {
  download(new Blob([bytes(stage.drawing.png)], { type: "image/png" }), "png");
}

async function downloadGif() {
  try {
    const one = { ...shown, n: 1, seed: Number(stage.drawing.seed) };
    download(await fetchAnimation(one), "gif");
  } catch (error) {
    showError(error.message);
  }
}

/** Space and arrows belong to the player, except where they mean something already. */
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

/** A drawing's address holds its request: it can be sent to somebody, or kept. */
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
showModel().catch(() => {}); // the drawing tells what is wrong
