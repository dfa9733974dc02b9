// Pointing at targets in the chart: with the mouse, by touch, and with the keyboard.
import { describe } from "./naming.js";

const PAGE = 20;

export class Pointer {
  constructor(chart, model, named) {
    Object.assign(this, { chart, model, named, chosen: null });
    const box = chart.box;
    box.addEventListener("pointermove", (event) => event.pointerType === "mouse" && this.hover(this.under(event)));
    box.addEventListener("pointerleave", () => this.hover(null));
    box.addEventListener("click", (event) => this.choose(this.under(event) ?? null));
    box.addEventListener("keydown", (event) => this.key(event));
    box.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  under(event) {
    const box = this.chart.box.getBoundingClientRect();
    return this.chart.targetAt(event.clientX - box.left, event.clientY - box.top);
  }

  hover(target) {
    this.show(target ?? this.chosen);
  }

  choose(target) {
    this.chosen = target;
    this.show(target);
  }

  // After the targets have changed: what was chosen is another object now.
  renew() {
    if (this.chosen) this.chosen = this.model.targets.get(this.chosen.id) ?? null;
    const shown = this.chart.marked && this.model.targets.get(this.chart.marked.id);
    this.show(shown ?? this.chosen);
  }

  show(target) {
    this.chart.marked = target;
    this.chart.later();
    if (target) this.say(target);
  }

  say(target) {
    const said = JSON.stringify([target, this.chart.at && Math.round(this.chart.at / 200)]);
    if (said === this.said) return;
    this.said = said;
    describe(this.named, target, this.model, this.chart.moment);
  }

  wheel(event) {
    if (!event.ctrlKey) return;
    event.preventDefault();
    this.chart.zoom(event.deltaY < 0 ? 1.25 : 0.8, this.under(event));
  }

  key(event) {
    const to = this.row(event.key);
    if (event.key === "+" || event.key === "=") this.chart.zoom(1.6);
    else if (event.key === "-") this.chart.zoom(1 / 1.6);
    else if (event.key === "0") this.chart.zoom(0);
    else if (to === null) return;
    else this.go(to);
    event.preventDefault();
  }

  go(to) {
    const target = this.model.rows[Math.max(0, Math.min(this.model.rows.length - 1, to))];
    if (!target) return;
    this.choose(target);
    this.chart.reveal(target);
  }

  row(key) {
    const at = this.chosen ? this.chosen.row : -1;
    const rows = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + PAGE, PageUp: at - PAGE, Home: 0, End: Infinity };
    return key in rows ? rows[key] : null;
  }
}
