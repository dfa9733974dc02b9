// One instance beside the map: a part of the page that htmx asks for, and asks for again as it changes.
import { base } from "../base.js";

const DEBOUNCE_MS = 400;
const AGAIN_MS = 10_000; // Heartbeats that change nothing are no events, but the time of the last one is shown.

export class Panel {
  #panel = document.getElementById("panel");
  #title = document.getElementById("panel-title");
  #timer = 0;

  // `closed` is called with the name of the instance that was shown.
  constructor(closed) {
    this.name = null;
    this.closed = closed;
    document.getElementById("panel-close").addEventListener("click", () => this.close());
    document.addEventListener("keydown", (event) => {
      const elsewhere = event.target.matches("input") || document.querySelector("dialog[open]");
      if (event.key === "Escape" && !elsewhere) this.close();
    });
    setInterval(() => document.hidden || this.#ask(), AGAIN_MS);
  }

  open(name, focus) {
    this.name = name;
    this.#title.textContent = name;
    this.#panel.hidden = false;
    if (focus) this.#title.focus({ preventScroll: true });
    this.#ask();
  }

  close() {
    if (this.name === null) return;
    const name = this.name;
    const focused = this.#panel.contains(document.activeElement);
    this.name = null;
    this.#panel.hidden = true;
    this.closed(name, focused);
  }

  changed(name) {
    if (name === this.name) this.#timer ||= setTimeout(() => this.#ask(), DEBOUNCE_MS);
  }

  #ask() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const body = document.getElementById("panel-body");
    // What has the focus in it would vanish under the reader's hands.
    if (this.name === null || (body.contains(document.activeElement) && body.dataset.of === this.name)) return;
    body.dataset.of = this.name;
    htmx.ajax("GET", `${base}/ui/instances/${encodeURIComponent(this.name)}`, { source: body, target: body, swap: "innerHTML" });
  }
}
