// The drawing at one step: canvas, write window, words with their attention, thumbnails.

import { paint } from "./drawing.js";

const element = (id) => document.getElementById(id);

export class Stage {
  #drawings = [];
  #selected = 0;
  #step = 0;

  get drawing() {
    return this.#drawings[this.#selected];
  }

  /** Shows new drawings; `milliseconds` is the duration of one step. */
  load(drawings, caption, milliseconds) {
    this.#drawings = drawings;
    this.#step = 0;
    element("stage").hidden = false;
    element("canvas").ariaLabel = `A picture of: ${caption}`;
    element("frame").style.setProperty("--step-time", `${0.8 * milliseconds}ms`);
    element("frame").setAttribute("viewBox", `0 0 ${drawings[0].width} ${drawings[0].height}`);
    element("step").max = drawings[0].steps;
    this.#explain(drawings[0]);
    this.#showWords(drawings[0].words);
    this.#showThumbnails();
    this.select(0);
  }

  /** Shows one of the drawings enlarged. */
  select(index) {
    this.#selected = index;
    [...element("thumbnails").children].forEach((thumbnail, i) => {
      thumbnail.ariaPressed = String(i === index);
    });
    this.show(this.#step);
  }

  /** Shows a step of every drawing, counted from 0. */
  show(step) {
    this.#step = step;
    const { drawing } = this;
    if (!drawing) return;
    paint(element("canvas"), drawing, step);
    this.#drawings.forEach((each, i) => {
      paint(element("thumbnails").children[i].firstChild, each, step);
    });
    this.#frame(drawing, step);
    this.#glow(drawing, step);
    element("step").value = step + 1;
    element("step").setAttribute("aria-valuetext", `step ${step + 1} of ${drawing.steps}`);
    element("step-value").value = `${step + 1} / ${drawing.steps}`;
  }

  /** Some systems write to the whole picture at every step, and some pay attention to no word. */
  #explain({ alignment, windows, height, width }) {
    const everywhere = String([0, 0, height - 1, width - 1]);
    const whole = windows.every((window) => String(window) === everywhere);
    element("frame").style.display = whole ? "none" : "";
    element("frame-hint").hidden = whole;
    element("glow-hint").hidden = !attends(alignment);
  }

  /** The edges of the window lie on the centres of pixels. */
  #frame(drawing, step) {
    const inside = (value, size) => Math.min(Math.max(value + 0.5, 0), size);
    const [top, left, bottom, right] = drawing.windows[step];
    const x = inside(Math.min(left, right), drawing.width);
    const y = inside(Math.min(top, bottom), drawing.height);
    const width = inside(Math.max(left, right), drawing.width) - x;
    const height = inside(Math.max(top, bottom), drawing.height) - y;
    for (const rectangle of element("frame").children) {
      Object.assign(rectangle.style, {
        x: `${x}px`,
        y: `${y}px`,
        width: `${width}px`,
        height: `${height}px`,
      });
    }
  }

  /** The brightness of a word is its attention, relative to the strongest of the whole drawing. */
  #glow(drawing, step) {
    const strongest = Math.max(...drawing.alignment.flat(), Number.EPSILON);
    [...element("words").children].forEach((word, i) => {
      const attention = drawing.alignment[step][i];
      word.style.setProperty("--glow", (attention / strongest).toFixed(3));
      const share = attends(drawing.alignment) ? `${Math.round(100 * attention)} % of the attention` : "";
      word.title = word.dataset.note + share;
    });
  }

  #showWords(words) {
    const spans = words.map(({ text, known }) => {
      const span = document.createElement("span");
      span.className = known ? "word" : "word out-of-vocabulary";
      span.textContent = text;
      span.dataset.note = known ? "" : "Not in the model's vocabulary. ";
      return span;
    });
    element("words").replaceChildren(...spans.flatMap((span) => [span, " "]));
    const unknown = [...new Set(words.filter(({ known }) => !known).map(({ text }) => text))];
    element("unknown").hidden = unknown.length === 0;
    const all = words.every(({ known }) => !known);
    element("unknown").replaceChildren(
      all
        ? "The model knows none of these words, so its picture cannot show them: "
        : "Not in the model's vocabulary: ",
      ...unknown.flatMap((word, i) => [i ? ", “" : "“", isolated(word), "”"]),
      ".",
    );
  }

  #showThumbnails() {
    const several = this.#drawings.length > 1;
    const buttons = this.#drawings.map((drawing, i) => {
      const button = document.createElement("button");
      button.type = "button";
      button.ariaLabel = `Picture ${i + 1}, seed ${drawing.seed}`;
      button.title = `seed ${drawing.seed}`;
      button.append(document.createElement("canvas"));
      button.addEventListener("click", () => this.select(i));
      return button;
    });
    element("thumbnails").replaceChildren(...buttons);
    element("thumbnails").hidden = !several;
  }
}

function attends(alignment) {
  return alignment.flat().some((attention) => attention > 0);
}

/** A person's word inside a sentence of the page: it keeps its own direction of writing. */
function isolated(text) {
  const element = document.createElement("bdi");
  element.textContent = text;
  return element;
}
