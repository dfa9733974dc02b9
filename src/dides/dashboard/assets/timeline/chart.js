// Draws the timeline. Only what is in sight is drawn, at most once a frame.
import { LAYERS, axis, names } from "./layers.js";
import { firstStarted } from "./model.js";
import { paints, palette } from "./paint.js";
import { AXIS, Scale } from "./scale.js";

const FONT = "12px system-ui, sans-serif";

export class Chart {
  constructor(box, model) {
    this.box = box;
    this.model = model;
    this.canvas = box.querySelector("canvas");
    this.stretch = box.querySelector(".stretch");
    this.context = this.canvas.getContext("2d");
    this.scale = new Scale();
    this.at = null;
    this.marked = null;
    this.due = false;
    this.theme();
    box.addEventListener("scroll", () => this.later());
    new ResizeObserver(() => this.later()).observe(box);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.theme());
  }

  theme() {
    this.colours = palette();
    this.paints = paints(this.context, this.colours);
    this.later();
  }

  later() {
    if (this.due) return;
    this.due = true;
    requestAnimationFrame(() => {
      this.due = false;
      this.draw();
    });
  }

  // The moment that is shown.
  get moment() {
    return this.at ?? this.model.end;
  }

  // Zooms by a factor around the middle of what is in sight, or shows everything with 0.
  zoom(factor, around = this.marked) {
    const { scale, box } = this;
    const middle = around ? around.row + 0.5 : (box.scrollTop + box.clientHeight / 2 - AXIS) / scale.row;
    const moment = ((box.scrollLeft + box.clientWidth / 2 - scale.left) / scale.wide) * scale.extent;
    scale.zoom = factor ? Math.min(scale.most, Math.max(1, scale.zoom * factor)) : 1;
    this.fit();
    const begun = around && firstStarted(around) !== null ? firstStarted(around) : moment;
    box.scrollTop = scale.y(middle) - box.clientHeight / 2;
    box.scrollLeft = scale.x(begun) - box.clientWidth * (around ? 0.35 : 0.5);
    this.later();
  }

  fit() {
    const { scale, box } = this;
    const { rows, end, longest } = this.model;
    this.context.font = FONT;
    scale.measure(box.clientWidth, rows.length, end, this.context.measureText(longest).width + 14);
    box.style.height = `${scale.height + 2}px`;
    const { width, height } = scale.full;
    this.stretch.style.width = `${Math.floor(width)}px`;
    this.stretch.style.height = `${Math.floor(height)}px`;
    const ratio = window.devicePixelRatio || 1;
    const [wide, high] = [Math.round(box.clientWidth * ratio), Math.round(box.clientHeight * ratio)];
    if (this.canvas.width === wide && this.canvas.height === high) return;
    this.canvas.width = wide;
    this.canvas.height = high;
    this.canvas.style.width = `${box.clientWidth}px`;
    this.canvas.style.height = `${box.clientHeight}px`;
  }

  // Brings a target into sight.
  reveal(target) {
    const { scale, box } = this;
    const y = scale.y(target.row);
    if (y < box.scrollTop + AXIS) box.scrollTop = y - AXIS;
    if (y + scale.row > box.scrollTop + box.clientHeight) box.scrollTop = y + scale.row - box.clientHeight;
    const x = scale.x(firstStarted(target) ?? 0);
    const seen = x >= box.scrollLeft + scale.left && x <= box.scrollLeft + box.clientWidth;
    if (!seen) box.scrollLeft = x - scale.left - 20;
    this.later();
  }

  targetAt(x, y) {
    const row = this.scale.rowAt(y + this.box.scrollTop);
    return y < AXIS ? undefined : this.model.rows[row];
  }

  draw() {
    if (!this.box.clientWidth) return;
    this.fit();
    const { context, box } = this;
    const ratio = window.devicePixelRatio || 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, box.clientWidth, box.clientHeight);
    context.font = FONT;
    this.inPlot();
    axis(this);
    names(this);
  }

  // What scrolls both ways, and never shows over the axis or the names.
  inPlot() {
    const { context, box, scale } = this;
    context.save();
    context.beginPath();
    context.rect(scale.left, AXIS, box.clientWidth - scale.left, box.clientHeight - AXIS);
    context.clip();
    context.translate(-box.scrollLeft, -box.scrollTop);
    for (const layer of LAYERS) layer(this);
    context.restore();
  }

  // The rows in sight, from and to.
  get seen() {
    const { box, scale } = this;
    const first = Math.max(0, Math.floor(box.scrollTop / scale.row));
    const last = Math.ceil((box.scrollTop + box.clientHeight - AXIS) / scale.row);
    return [first, Math.min(this.model.rows.length, last + 1)];
  }
}
