// Goes back in time: a slider from the trigger to the end (or to now), which also plays by itself when asked to.
import { span } from "../moments.js";

const TOP = 1000;
const SECONDS = 12;
const STEPS_WITHOUT_MOTION = 12;
const still = matchMedia("(prefers-reduced-motion: reduce)");

export class Replay {
  // `moved` is called with the moment to show; null is the end, or now.
  constructor(root, model, moved) {
    Object.assign(this, { model, moved, at: null, playing: false });
    const find = (selector) => root.querySelector(selector);
    this.slider = find("#moment");
    this.output = find("[data-moment]");
    this.button = find("[data-play]");
    this.live = find("[data-live]");
    this.slider.addEventListener("input", () => this.slide());
    this.button.addEventListener("click", () => (this.playing ? this.stop() : this.play()));
    this.live.addEventListener("click", () => this.go(null));
  }

  slide() {
    this.stop();
    const value = Number(this.slider.value);
    this.go(value >= TOP ? null : (value / TOP) * this.model.end);
  }

  go(at) {
    this.at = at === null || at >= this.model.end ? null : at;
    if (this.at === null) this.stop();
    this.moved(this.at);
    this.show();
  }

  play() {
    this.playing = true;
    if (this.at === null) this.go(0);
    this.label();
    let before = null;
    const step = (now) => {
      if (!this.playing) return;
      const passed = before === null ? 0 : now - before;
      before = now;
      this.go(this.at + (passed / 1000 / SECONDS) * this.model.end);
      if (this.playing) this.next(step);
    };
    this.next(step);
  }

  // Who wants less motion gets a few pictures, one a second.
  next(step) {
    if (still.matches) setTimeout(() => step(performance.now()), (SECONDS / STEPS_WITHOUT_MOTION) * 1000);
    else requestAnimationFrame(step);
  }

  stop() {
    this.playing = false;
    this.label();
  }

  label() {
    this.button.querySelector(".said").textContent = this.playing ? "Stop" : "Replay";
    this.button.querySelector("[aria-hidden]").textContent = this.playing ? "■" : "▶";
  }

  // Shows where it is; called again as the end moves on.
  show() {
    const { model, at } = this;
    const value = at === null ? TOP : Math.round((at / model.end) * TOP);
    if (Number(this.slider.value) !== value) this.slider.value = value;
    const end = model.ended === null ? "now" : "the end";
    const said = at === null ? `${end}, ${span(model.end)} after the trigger` : `${span(at)} of ${span(model.end)}`;
    this.output.textContent = said;
    this.slider.setAttribute("aria-valuetext", said);
    this.live.hidden = at === null || model.ended !== null;
  }
}
