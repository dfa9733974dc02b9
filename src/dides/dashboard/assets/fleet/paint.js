// Paints what can be seen of the map: the headings of groups, and their cells.
import { cornerOf } from "./layout.js";
import { PLAIN } from "./marks.js";

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';

// `pen` is the canvas' context; `top` and `height` say which part of the map it shows, in CSS pixels.
export function paint(pen, sight) {
  const { layout, fleet, ratio, top, height } = sight;
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, pen.canvas.width, pen.canvas.height);
  layout.blocks.forEach((block, g) => {
    if (block.y > top + height || block.y + block.height < top) return;
    pen.setTransform(ratio, 0, 0, ratio, 0, -top * ratio);
    if (sight.label) heading(pen, sight, block, fleet.groups[g]);
    pen.setTransform(1, 0, 0, 1, 0, 0);
    cells(pen, sight, block, fleet.groups[g].cells);
  });
  pen.setTransform(ratio, 0, 0, ratio, 0, -top * ratio);
  const picked = fleet.byName.get(sight.picked);
  if (picked && fleet.isShown(picked)) frame(pen, sight, picked, sight.marks.colour("--text"));
  if (sight.cursor) frame(pen, sight, sight.cursor, sight.marks.colour("--accent"));
}

function cells(pen, { layout, marks, versions, ratio, top, height }, block, instances) {
  const { size, columns } = layout;
  const rowAt = (y) => Math.floor((y - block.cells) / size.height);
  const first = Math.max(0, rowAt(top)) * columns;
  const last = Math.min(instances.length, (rowAt(top + height) + 1) * columns);
  const [width, tall] = [Math.round(ratio * (size.tile ? 40 : size.width)), Math.round(ratio * (size.tile ? 46 : size.height))];
  for (let i = first; i < last; i++) {
    const x = Math.round(ratio * (block.x + (i % columns) * size.width));
    const y = Math.round(ratio * (block.cells + Math.floor(i / columns) * size.height - top));
    pen.drawImage(marks.of(instances[i], versions.of(instances[i].version), width, tall), x, y);
    if (size.tile) caption(pen, instances[i], marks, x + width + 6 * ratio, y, (size.width - 56) * ratio, ratio);
  }
}

// Where there is room, the name and the version beside the picture.
function caption(pen, instance, marks, x, y, width, ratio) {
  pen.textBaseline = "top";
  pen.fillStyle = marks.colour("--text");
  pen.font = `600 ${14 * ratio}px ${FONT}`;
  pen.fillText(shortened(pen, instance.name, width), x, y + 4 * ratio);
  pen.fillStyle = marks.colour("--soft");
  pen.font = `${13 * ratio}px ${FONT}`;
  pen.fillText(shortened(pen, instance.version || "no version", width), x, y + 24 * ratio);
}

// The value of the label, how many there are, and how many of them are not well.
function heading(pen, { marks, label, ratio }, block, group) {
  const numbers = [[null, group.cells.length], ...["failed", "degraded"].map((kind) => [kind, group.cells.filter((each) => each.kind === kind).length])];
  const shown = numbers.filter(([, number]) => number).map(([kind, number]) => [kind, number.toLocaleString()]);
  pen.textBaseline = "top";
  pen.fillStyle = marks.colour("--text");
  pen.font = `600 14px ${FONT}`;
  const room = block.width - shown.reduce((sum, [kind, text]) => sum + 9 * text.length + (kind ? 28 : 10), 0);
  const name = shortened(pen, group.value === "" ? `without ${label}` : group.value, room);
  pen.fillText(name, block.x, block.y + 4);
  let x = block.x + pen.measureText(name).width + 8;
  pen.font = `14px ${FONT}`;
  for (const [kind, text] of shown) {
    const side = Math.round(17 * ratio);
    if (kind) pen.drawImage(marks.of({ kind, updating: false, differs: false }, PLAIN, side, side), x, block.y + 4, 17, 17);
    x += kind ? 19 : 0;
    pen.fillStyle = marks.colour(kind ? `--${kind}` : "--soft");
    pen.fillText(text, x, block.y + 4);
    x += pen.measureText(text).width + 10;
  }
}

function frame(pen, { layout }, instance, colour) {
  const { x, y } = cornerOf(layout, [instance.g, instance.i]);
  const { width, height, tile } = layout.size;
  pen.strokeStyle = colour;
  pen.lineWidth = 2;
  pen.strokeRect(x - 1, y - 1, width - (tile ? 8 : 0) + 1, height - (tile ? 8 : 0) + 1);
}

// Cut a text that is too long for a width.
function shortened(pen, text, width) {
  if (pen.measureText(text).width <= width) return text;
  let [fits, length] = [0, text.length];
  while (fits + 1 < length) {
    const middle = (fits + length) >> 1;
    if (pen.measureText(`${text.slice(0, middle)}…`).width <= width) fits = middle;
    else length = middle;
  }
  return `${text.slice(0, fits)}…`;
}
