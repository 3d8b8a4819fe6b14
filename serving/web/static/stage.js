// The drawing at one step: picture, window, words with their attention, thumbnails.

import { paint } from "./drawing.js";

const element = (id) => document.getElementById(id);

export class Stage {
  #drawings = [];
  #chosen = 0;
  #step = 0;

  get drawing() {
    return this.#drawings[this.#chosen];
  }

  /** Shows other drawings; `milliseconds` is how long one step lasts. */
  load(drawings, caption, milliseconds) {
    this.#drawings = drawings;
    this.#step = 0;
    element("stage").hidden = false;
    element("canvas").ariaLabel = `A picture of: ${caption}`;
    element("frame").style.setProperty("--step-time", `${0.8 * milliseconds}ms`);
    element("frame").setAttribute("viewBox", `0 0 ${drawings[0].width} ${drawings[0].height}`);
    element("step").max = drawings[0].steps;
    this.#showWords(drawings[0].words);
    this.#showThumbnails();
    this.choose(0);
  }

  /** Shows one of the drawings large. */
  choose(index) {
    this.#chosen = index;
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

  /** The window goes from the middle of a pixel to the middle of another. */
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

  /** The strongest attention of the whole drawing glows fully. */
  #glow(drawing, step) {
    const strongest = Math.max(...drawing.alignment.flat(), Number.EPSILON);
    [...element("words").children].forEach((word, i) => {
      const attention = drawing.alignment[step][i];
      word.style.setProperty("--glow", (attention / strongest).toFixed(3));
      word.title = `${word.dataset.note}${Math.round(100 * attention)} % of the attention`;
    });
  }

  #showWords(words) {
    const spans = words.map(({ text, known }) => {
      const span = document.createElement("span");
      span.className = known ? "word" : "word strange";
      span.textContent = text;
      span.dataset.note = known ? "" : "Unknown to the model. ";
      return span;
    });
    element("words").replaceChildren(...spans.flatMap((span) => [span, " "]));
    const strange = [...new Set(words.filter(({ known }) => !known).map(({ text }) => text))];
    element("unknown").hidden = strange.length === 0;
    element("unknown").textContent =
      `The model never learned ${strange.map((word) => `“${word}”`).join(", ")} ` +
      "and draws the rest.";
  }

  #showThumbnails() {
    const several = this.#drawings.length > 1;
    const buttons = this.#drawings.map((drawing, i) => {
      const button = document.createElement("button");
      button.type = "button";
      button.ariaLabel = `Picture ${i + 1}, seed ${drawing.seed}`;
      button.title = `seed ${drawing.seed}`;
      button.append(document.createElement("canvas"));
      button.addEventListener("click", () => this.choose(i));
      return button;
    });
    element("thumbnails").replaceChildren(...buttons);
    element("thumbnails").hidden = !several;
  }
}
