// The map of the fleet on a canvas that is as large as what can be seen of it, and stays there while the page scrolls:
// what is drawn are the cells that are in sight, once for each frame in which something has changed.
import { cornerOf, following, layOut, placeAt } from "./layout.js";
import { paint, touchUp } from "./paint.js";

const KEYS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"];

export class FleetMap {
  #root = document.getElementById("map");
  #canvas = document.getElementById("cells");
  #under = document.getElementById("under");
  #layout = null;
  #frame = 0;
  #touched = new Set(); // what is to be painted again when not everything is
  #everything = false;
  #cursor = null; // the instance that the keyboard, or else the mouse, is at
  #said = null; // what is said of it, so that it is said once

  // `describe` says in words what an instance is; `pick` shows one.
  constructor(fleet, marks, versions, describe, pick) {
    Object.assign(this, { fleet, marks, versions, describe, pick });
    this.picked = null; // the name of the instance that is shown beside the map
    this.label = ""; // the key that instances are grouped by
    const redraw = () => this.redraw();
    new ResizeObserver(() => this.#rearrange()).observe(this.#root);
    addEventListener("scroll", redraw, { passive: true });
    addEventListener("resize", () => this.arrange());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    this.#listen();
  }

  #listen() {
    const canvas = this.#canvas;
    canvas.addEventListener("pointermove", (event) => this.#move(this.#at(event)));
    canvas.addEventListener("pointerleave", () => canvas.matches(":focus-visible") || this.#move(null));
    canvas.addEventListener("click", (event) => {
      const found = this.#at(event);
      if (found) this.pick(found.name, false);
    });
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("focus", () => {
      if (canvas.matches(":focus-visible")) this.#move(this.#cursor ?? this.#instance([0, 0]));
    });
    canvas.addEventListener("blur", () => this.#move(null));
  }

  // Lay everything out anew: cells have come, gone or moved, or the room for them has.
  arrange() {
    const width = this.#root.clientWidth;
    if (!width) return;
    const counts = this.fleet.groups.map((group) => group.cells.length);
    this.#layout = layOut(counts, width, Math.max(280, innerHeight * 0.62), Boolean(this.label));
    this.#root.style.height = `${this.#layout.height}px`;
    this.redraw();
  }

  // The room has changed, most often because an instance was picked: that one stays where the reader has seen it.
  #rearrange() {
    const before = this.#heightOfPicked();
    this.arrange();
    const top = this.#root.getBoundingClientRect().top;
    if (before !== null && top + before > 0 && top + before < innerHeight) scrollBy(0, this.#heightOfPicked() - before);
  }

  // Where in the map the picked instance is; null when it is not there.
  #heightOfPicked() {
    const picked = this.fleet.byName.get(this.picked);
    return this.#layout && picked && this.fleet.isShown(picked) ? cornerOf(this.#layout, [picked.g, picked.i]).y : null;
  }

  redraw() {
    this.#everything = true;
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  // Draw only these instances anew: they have changed, and are where they were.
  touch(instances) {
    for (const each of instances) if (each) this.#touched.add(each);
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  // Put the focus on an instance's cell.
  focus(name) {
    this.#cursor = this.fleet.byName.get(name) ?? this.#cursor;
    this.#canvas.focus({ preventScroll: true });
    this.redraw();
  }

  #draw() {
    this.#frame = 0;
    const layout = this.#layout;
    if (!layout || !this.#root.clientWidth) return;
    const begun = performance.now();
    const [canvas, ratio] = [this.#canvas, devicePixelRatio];
    const [width, height] = [this.#root.clientWidth, Math.min(layout.height, innerHeight)];
    canvas.style.height = `${height}px`;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) this.#everything = true;
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    if (this.#cursor && !this.fleet.isShown(this.#cursor)) this.#cursor = null;
    this.#paint({ layout, ratio, top: this.#top, height, cursor: this.#cursor });
    this.#say();
    this.#root.dataset.painted = (performance.now() - begun).toFixed(1); // for benchmarks
  }

  #paint(place) {
    const { fleet, marks, versions, picked, label } = this;
    const [pen, sight] = [this.#canvas.getContext("2d"), { fleet, marks, versions, picked, label, ...place }];
    const touched = [...this.#touched].filter((each) => fleet.isShown(each));
    this.#everything ? paint(pen, sight) : touchUp(pen, sight, touched);
    this.#everything = false;
    this.#touched.clear();
  }

  // How much of the map is above what can be seen.
  get #top() {
    const above = -this.#root.getBoundingClientRect().top;
    return Math.max(0, Math.min(above, this.#layout.height - Math.min(this.#layout.height, innerHeight)));
  }

  #at(event) {
    if (!this.#layout) return null;
    const place = placeAt(this.#layout, event.offsetX, event.offsetY + this.#top);
    return place && this.#instance(place);
  }

  #instance([g, i]) {
    return this.fleet.groups[g]?.cells[i] ?? null;
  }

  #key(event) {
    const current = this.#cursor && this.fleet.isShown(this.#cursor) ? this.#cursor : this.#instance([0, 0]);
    if (!current || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" || event.key === " ") this.pick(current.name, true);
    else if (KEYS.includes(event.key)) this.#go(current, event.key);
    else return;
    event.preventDefault();
  }

  #go(current, key) {
    const place = following(this.#layout, [current.g, current.i], key);
    this.#move(this.#instance(place));
    const [box, size] = [this.#root.getBoundingClientRect(), this.#layout.size];
    const y = box.top + cornerOf(this.#layout, place).y;
    if (y < 40) scrollBy(0, y - 40);
    if (y + size.height > innerHeight - 40) scrollBy(0, y + size.height - innerHeight + 40);
  }

  #move(instance) {
    this.#canvas.style.cursor = instance ? "pointer" : "";
    if (instance === this.#cursor) return;
    this.touch([this.#cursor, instance]);
    this.#cursor = instance;
  }

  // Say in words, beside the cell, which instance it is and how it is.
  #say() {
    const [cursor, under] = [this.#cursor, this.#under];
    const said = cursor ? this.describe(cursor) : "";
    if (said !== this.#said) under.textContent = this.#said = said;
    if (!cursor) return;
    const { x, y } = cornerOf(this.#layout, [cursor.g, cursor.i]);
    const above = y - this.#top > under.offsetHeight + 8;
    under.style.top = `${above ? y - under.offsetHeight - 6 : y + this.#layout.size.height + 4}px`;
    under.style.left = `${Math.max(0, Math.min(x - 12, this.#root.clientWidth - under.offsetWidth))}px`;
  }
}
