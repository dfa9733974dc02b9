// The timeline as a whole: chart, table, legend and replay, over one model.
import { Chart } from "./chart.js";
import { Model, STATES } from "./model.js";
import { samples } from "./paint.js";
import { Pointer } from "./pointer.js";
import { Replay } from "./replay.js";
import { Table } from "./table.js";

const EMPTY = "It has no targets: every instance that it was for is gone.";
const TICK_MS = 250;
const ZOOMS = { in: 1.6, out: 1 / 1.6, fit: 0 };

export class Board {
  constructor(root) {
    this.root = root;
    this.model = new Model();
    this.chart = new Chart(root.querySelector(".chart"), this.model);
    this.pointer = new Pointer(this.chart, this.model, root.querySelector("[data-named]"));
    this.table = new Table(root, this.model);
    this.replay = new Replay(root, this.model, (at) => this.go(at));
    root.addEventListener("click", (event) => this.click(event.target.closest("button")));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.theme());
    this.theme();
    setInterval(() => this.tick(), TICK_MS);
  }

  theme() {
    samples(this.root, this.chart.colours);
  }

  shows(name) {
    return this.model.named(name);
  }

  take(data, whole) {
    this.model.take(data, whole);
    this.say("[data-note]", this.model.note);
    this.say("[data-empty]", this.model.rows.length ? "" : EMPTY);
    this.pointer.renew();
    this.go(this.replay.at);
    this.replay.show();
  }

  // Shows a moment; null is the end, or now.
  go(at) {
    this.chart.at = at;
    const counts = this.model.countsAt(this.chart.moment);
    for (const state of STATES) {
      this.root.querySelector(`[data-count="${state}"]`).textContent = counts[state].toLocaleString("en");
    }
    this.table.draw(at);
    this.pointer.show(this.chart.marked);
  }

  // While it is in flight, time goes on without events.
  tick() {
    if (this.model.ended !== null || !this.model.rows.length || document.hidden) return;
    this.replay.show();
    this.chart.later();
    if (this.table.shown) this.table.draw(this.replay.at);
  }

  click(button) {
    if (!button) return;
    if (button.dataset.zoom) this.chart.zoom(ZOOMS[button.dataset.zoom]);
    if (button.dataset.view) this.view(button.dataset.view);
  }

  view(wanted) {
    for (const each of this.root.querySelectorAll("[data-view]")) {
      each.setAttribute("aria-pressed", String(each.dataset.view === wanted));
    }
    for (const each of this.root.querySelectorAll("[data-shown]")) each.hidden = each.dataset.shown !== wanted;
    this.table.shown = wanted === "table";
    this.table.draw();
    this.chart.later();
  }

  say(selector, text) {
    const element = this.root.querySelector(selector);
    element.textContent = text;
    element.hidden = !text;
  }
}
