// The player: which step is shown, and when the next one follows.

const DRAWING_MS = 3000;

export class Player {
  #timer = 0;

  /** Calls `show(step, playing)` whenever either changes; steps count from 0. */
  constructor(show) {
    this.show = show;
    this.steps = 1;
    this.step = 0;
  }

  get playing() {
    return this.#timer !== 0;
  }

  /** Duration of one step. */
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
    this.#notify();
  }

  pause() {
    clearInterval(this.#timer);
    this.#timer = 0;
    this.#notify();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  /** Stops at a step, or at the nearest that exists. */
  seek(step) {
    this.step = Math.min(Math.max(step, 0), this.steps - 1);
    this.pause();
  }

  #advance() {
    this.step += 1;
    if (this.step >= this.steps - 1) this.seek(this.steps - 1);
    else this.#notify();
  }

  #notify() {
    this.show(this.step, this.playing);
  }
}
