// Where things are in the chart: rows from top to bottom, moments from left to right.
export const AXIS = 24;
const TALLEST_ROW = 22;
const TALLEST = 560;
const NAMES_FROM = 11;
const WIDEST = 16;
const LANE = 16;
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400, 172800, 604800];

export class Scale {
  constructor() {
    this.zoom = 1;
    this.width = 0;
    this.rows = 0;
    this.extent = 1;
    this.gutter = 0;
  }

  // `gutter` is the room that names want.
  measure(width, rows, extent, gutter) {
    Object.assign(this, { width, rows: Math.max(1, rows), extent: extent * 1.03, gutter });
    this.zoom = Math.min(this.zoom, this.most);
  }

  get height() {
    return Math.min(TALLEST, this.rows * TALLEST_ROW + AXIS + 4);
  }
  get fit() {
    return Math.min(TALLEST_ROW, (this.height - AXIS - 4) / this.rows);
  }
  // The zoom with which rows are as tall as they get.
  get tall() {
    return TALLEST_ROW / this.fit;
  }
  // How far one can zoom in: until rows can be read, and from there on in time.
  get most() {
    return this.tall * WIDEST;
  }
  get row() {
    return Math.min(TALLEST_ROW, this.fit * this.zoom);
  }
  get names() {
    return this.row >= NAMES_FROM;
  }
  get left() {
    return this.names ? Math.min(this.gutter, 220, this.width * 0.3) : 8;
  }
  get plot() {
    return Math.max(40, this.width - this.left - LANE);
  }
  get wide() {
    // Rows come first: a bar that can be read and leaves the picture on both sides says little.
    return this.plot * Math.sqrt(Math.min(this.zoom, this.tall)) * Math.max(1, this.zoom / this.tall);
  }
  get full() {
    return { width: this.left + this.wide + LANE, height: AXIS + this.rows * this.row + 4 };
  }
  x(moment) {
    return this.left + (moment / this.extent) * this.wide;
  }
  y(row) {
    return AXIS + row * this.row;
  }
  rowAt(y) {
    return Math.floor((y - AXIS) / this.row);
  }
  // The moments that the axis names, about one every 90 pixels.
  ticks() {
    const wanted = (this.extent / 1000 / this.wide) * 90;
    const step = STEPS.find((each) => each >= wanted) ?? STEPS.at(-1);
    const ticks = [];
    for (let at = 0; at * 1000 <= this.extent; at += step) ticks.push(at * 1000);
    return ticks;
  }
}
