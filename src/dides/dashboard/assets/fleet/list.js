// The instances of the map as a table, some hundred at a time. The rows come from the coordinator.
import { base } from "../base.js";
import { localise } from "../moments.js";
import { inPieces } from "../pieces.js";

const PIECE = 100; // rows in one request
const STEP = 200;
const DEBOUNCE_MS = 1_000;

export class List {
  #root = document.getElementById("list");
  #rows = document.getElementById("rows");
  #listed = document.getElementById("listed");
  #more = document.getElementById("more");
  #count = STEP;
  #asking = null;
  #timer = 0;

  // `pick` shows one instance.
  constructor(fleet, pick) {
    this.fleet = fleet;
    this.#more.addEventListener("click", () => {
      this.#count += STEP;
      this.show();
    });
    this.#rows.addEventListener("click", (event) => {
      const { instance } = event.target.dataset;
      if (instance) pick(instance, true);
    });
  }

  // Show from the beginning: what matches is other than before.
  begin() {
    this.#count = STEP;
    this.show();
  }

  // Show what has changed, soon.
  changed() {
    if (!this.#root.hidden) this.#timer ||= setTimeout(() => this.show(), DEBOUNCE_MS);
  }

  focus(name) {
    [...this.#rows.querySelectorAll("button")].find((each) => each.dataset.instance === name)?.focus();
  }

  async show() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (this.#root.hidden) return;
    this.#asking?.abort();
    const asking = (this.#asking = new AbortController());
    const all = this.fleet.shown;
    const names = all.slice(0, this.#count).map((each) => each.name);
    const rows = document.createElement("template");
    try {
      for (const piece of inPieces(names, PIECE)) rows.innerHTML += await rowsOf(piece, asking.signal);
    } catch {
      return; // Another look has begun, or the coordinator is away, which the page says elsewhere.
    }
    this.#replace(rows.content);
    this.#listed.textContent = `${names.length.toLocaleString()} of ${all.length.toLocaleString()} are listed.`;
    this.#more.hidden = names.length === all.length;
  }

  #replace(content) {
    const focused = this.#rows.contains(document.activeElement) ? document.activeElement.dataset.instance : null;
    localise(content);
    this.#rows.replaceChildren(content);
    if (focused) this.focus(focused);
  }
}

async function rowsOf(names, signal) {
  const response = await fetch(`${base}/ui/instances?${new URLSearchParams({ names: names.join(",") })}`, { signal });
  if (!response.ok) throw new Error(response.statusText);
  return response.text();
}
