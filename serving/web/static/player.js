// Time: which step is shown, and when the next one is.

const DRAWING_MS = 3000;

export class Player {
  #timer = 0;

  /** `show(step, playing)` is called whenever either changes; steps count from 0. */
  constructor(show) {
    this.show = show;
    this.steps = 1;
    this.step = 0;
  }

  get playing() {
    return this.#timer !== 0;
  }

  /** How long one step is shown. */
  get milliseconds() {
    return Math.min(Math.max(DRAWING_MS / this.steps, 60), 400);
  }

  load(steps) {
    this.pause();
    this.steps = steps;
    this.step = 0;
  }

  play() {
    if (this.playing) return;
    if (this.step === this.steps - 1) this.step = 0;
    this.#timer = setInterval(() => this.#advance(), this.milliseconds);
    this.#tell();
  }

  pause() {
    clearInterval(this.#timer);
    this.#timer = 0;
    this.#tell();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  /** Stops at a step, the nearest that there is. */
  seek(step) {
    this.step = Math.min(Math.max(step, 0), this.steps - 1);
    this.pause();
  }

  #advance() {
    this.step += 1;
    if (this.step >= this.steps - 1) this.seek(this.steps - 1);
    else this.#tell();
  }

  #tell() {
    this.show(this.step, this.playing);
  }
}
