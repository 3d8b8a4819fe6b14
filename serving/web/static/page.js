// The page: connects its form, player, keys and downloads.

import { fetchAnimation, fetchDrawings, fetchModel } from "./api.js";
import { bytes, enlarged, unpacked } from "./drawing.js";
import { FIRST, showExamples } from "./examples.js";
import { Player } from "./player.js";
import { Stage } from "./stage.js";
import { countWords, estimateWords, isEstimate } from "./words.js";

const MOST_SEEDS = 1_000_000;
const PNG_SIDE = 512; // least side of a downloaded picture, pixels

const element = (id) => document.getElementById(id);
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const narrow = matchMedia("(max-width: 44rem)");

const stage = new Stage();
const player = new Player((step, playing) => {
  stage.show(step);
  element("play").classList.toggle("playing", playing);
  element("play").ariaLabel = playing ? "Pause" : "Play";
  element("stage").classList.toggle("finished", !playing && step === player.steps - 1);
});
let shown = null; // the request of the drawings on the stage
let latest = 0; // number of the last request; answers to older ones are not shown
let maxWords = null; // most words and marks of a caption; null until the model has stated it
let guided = null; // whether the model takes guidance; null until it has stated it

function formRequest() {
  const number = (id) => element(id).valueAsNumber;
  const request = {
    prompt: element("prompt").value.trim(),
    n: number("n"),
    seed: number("seed"),
    temperature: number("temperature"),
  };
  const guidance = guided === false ? 0 : number("guidance");
  return guidance ? { ...request, guidance } : request;
}

/** What is wrong with a request, in a sentence, or "". */
function mistake({ prompt, n, seed }) {
  const words = countWords(prompt);
  if (!words) return "The caption is empty: describe in a few words what to draw.";
  if (maxWords && words > maxWords && !isEstimate(prompt)) {
    return `The caption has ${words} words and marks, and this model reads at most ${maxWords}. Shorten it.`;
  }
  if (!Number.isInteger(n) || n < 1 || n > 12) return "Choose from 1 to 12 pictures.";
  // Beyond, numbers of JavaScript are not exact: the GIF of a picture would be that of another seed.
  if (!Number.isInteger(seed) || seed < 0 || seed > Number.MAX_SAFE_INTEGER - (n - 1)) {
    return `The seeds of the pictures must be whole numbers from 0 to ${Number.MAX_SAFE_INTEGER}.`;
  }
  return "";
}

/** Draws what the form says; `remember` keeps it in the browser's history. */
async function draw({ remember = true } = {}) {
  const request = formRequest();
  const error = mistake(request);
  showError(error);
  if (remember) showNote(""); // the form is the user's by now, not the address's
  showCount();
  if (error) return;
  latest += 1;
  const number = latest;
  setBusy(true);
  try {
    const drawings = (await fetchDrawings(request)).map(unpacked);
    if (number === latest) show(drawings, request, remember);
  } catch (error) {
    if (number === latest) showError(error.message);
  } finally {
    if (number === latest) setBusy(false);
    showModel(); // which may be another version by now
  }
}

function show(drawings, request, remember) {
  shown = request;
  const address = `?${new URLSearchParams(request)}`;
  if (address === location.search) remember = false;
  if (remember) history.pushState(null, "", address);
  else history.replaceState(null, "", address);
  document.title = `${request.prompt} – drawn step by step`;
  player.load(drawings[0].steps);
  stage.load(drawings, request.prompt, player.milliseconds);
  element("status").textContent = `Drawn: ${request.prompt}`;
  showCount();
  if (calm.matches) player.seek(drawings[0].steps - 1);
  else player.play();
}

function setBusy(busy) {
  element("draw").textContent = busy ? "Drawing…" : "Draw";
  element("stage").ariaBusy = String(busy);
}

/** Words typed so far; a drawing of another request than the form's is dimmed. */
function showCount() {
  const prompt = element("prompt").value.trim();
  const estimate = isEstimate(prompt);
  const words = estimate ? estimateWords(prompt) : countWords(prompt);
  const limit = maxWords ? ` of at most ${maxWords}` : "";
  const about = estimate ? "about " : "";
  element("count").textContent = `${about}${words}${limit} ${words === 1 && !limit ? "word" : "words and marks"}`;
  element("count").classList.toggle("over", Boolean(maxWords) && !estimate && words > maxWords);
  element("stage").classList.toggle("stale", shown !== null && !isShown(formRequest()));
}

function isShown(request) {
  return JSON.stringify(request) === JSON.stringify(shown);
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

/** The numbers beside the sliders. */
function showValues() {
  for (const id of ["temperature", "guidance"]) {
    element(`${id}-value`).value = element(id).valueAsNumber.toFixed(2);
  }
}

function download(blob, suffix) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  const name = shown.prompt.replace(/[^\p{L}\p{N}]+/gu, "-").slice(0, 80);
  link.download = `${name}-${stage.drawing.seed}${suffix}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // once it is surely saved
}

/** The finished picture, enlarged without smoothing. */
function downloadPng() {
  const { drawing } = stage;
  enlarged(drawing, drawing.steps - 1, PNG_SIDE).toBlob((blob) => download(blob, ".png"));
}

/** The finished picture as the server sent it. */
function downloadRaw() {
  const { drawing } = stage;
  const blob = new Blob([bytes(drawing.png)], { type: "image/png" });
  download(blob, `-${drawing.width}x${drawing.height}.png`);
}

async function copyLink() {
  const copied = await copy(location.href);
  element("link").textContent = copied ? "Copied" : "Copy the address of this page";
  setTimeout(() => (element("link").textContent = "Copy link"), 2_000);
}

/** Copies a text; over plain HTTP from another machine browsers offer the older way only. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    element("link").focus();
    return copied;
  }
}

async function downloadGif() {
  try {
    const request = { ...shown, n: 1, seed: Number(stage.drawing.seed) };
    download(await fetchAnimation(request), ".gif");
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
  for (const id of ["n", "seed", "temperature", "guidance"]) {
    element(id).value = address.get(id) ?? element(id).defaultValue;
  }
  showValues();
  const notes = ["temperature", "guidance"].map((id) => moved(id, address.get(id)));
  showNote(notes.join(" ").trim());
}

/** What a slider made of its value in the address, which it cannot have: a sentence, or "". */
function moved(id, asked) {
  const { valueAsNumber, min, max, step } = element(id);
  if (asked === null || Number.parseFloat(asked) === valueAsNumber) return "";
  return `The address asks for a ${id} of ${asked}. Here it is a number from ${min} to ${max} in steps of ${step}, and ${valueAsNumber} is taken.`;
}

function showNote(text) {
  element("note").hidden = !text;
  element("note").textContent = text;
}

async function showModel() {
  const model = await fetchModel().catch(() => null); // the error of a drawing is shown
  if (!model) return;
  element("model").textContent = `${model.model}, version ${model.version}`;
  maxWords = model.maxWords;
  guided = model.guided;
  element("guidance-setting").hidden = !guided;
  showCount();
}

/** Folded on a phone, where the drawing comes first; open where there is room. */
function foldSettings() {
  element("settings").open = !narrow.matches;
}

element("form").addEventListener("submit", (event) => {
  event.preventDefault();
  draw();
});
element("form").addEventListener("input", showCount);
for (const id of ["temperature", "guidance"]) {
  element(id).addEventListener("input", showValues);
  element(id).addEventListener("change", () => shown && draw());
}
element("reseed").addEventListener("click", reseed);
element("play").addEventListener("click", () => player.toggle());
element("step").addEventListener("input", () => player.seek(element("step").valueAsNumber - 1));
element("png").addEventListener("click", downloadPng);
element("raw").addEventListener("click", downloadRaw);
element("link").addEventListener("click", copyLink);
element("gif").addEventListener("click", downloadGif);
document.addEventListener("keydown", onKey);
narrow.addEventListener("change", foldSettings);
addEventListener("popstate", () => {
  fillFromAddress();
  draw({ remember: false });
});

showExamples(element("examples"), choose);
foldSettings();
fillFromAddress();
draw({ remember: false });
showModel();
