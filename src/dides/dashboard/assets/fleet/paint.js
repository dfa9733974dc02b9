// Paints what can be seen of the map: the headings of groups, and their cells.
import { cornerOf } from "./layout.js";
import { PLAIN, look } from "./marks.js";

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';

// Paint everything. `pen` is the canvas' context; `top` and `height` say which part of the map it shows, in CSS pixels.
export function paint(pen, sight) {
  const { layout, fleet, top, height } = sight;
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, pen.canvas.width, pen.canvas.height);
  layout.blocks.forEach((block, g) => {
    if (block.y > top + height || block.y + block.height < top) return;
    heading(pen, sight, block, fleet.groups[g]);
    const rowAt = (y) => Math.floor((y - block.cells) / layout.size.height);
    const first = Math.max(0, rowAt(top)) * layout.columns;
    const last = Math.min(block.count, (rowAt(top + height) + 1) * layout.columns);
    for (let i = first; i < last; i++) cell(pen, sight, block, fleet.groups[g].cells[i]);
  });
  frames(pen, sight);
}

// Paint some instances again, which are where they were, and the headings of their groups.
export function touchUp(pen, sight, instances) {
  const { layout, fleet, top, height } = sight;
  const groups = new Set();
  for (const each of instances) {
    const block = layout.blocks[each.g];
    const { y } = cornerOf(layout, [each.g, each.i]);
    if (y + layout.size.height > top && y < top + height) cell(pen, sight, block, each);
    groups.add(each.g);
  }
  for (const g of groups) heading(pen, sight, layout.blocks[g], fleet.groups[g]);
  frames(pen, sight);
}

function cell(pen, { layout, marks, versions, ratio, top }, block, instance) {
  const { size, columns } = layout;
  const [column, row] = [instance.i % columns, Math.floor(instance.i / columns)];
  const [x, y] = [Math.round(ratio * (block.x + column * size.width)), Math.round(ratio * (block.cells + row * size.height - top))];
  const [width, height] = [Math.round(ratio * (size.tile ? 40 : size.width)), Math.round(ratio * (size.tile ? 46 : size.height))];
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(x, y, size.tile ? Math.round(ratio * size.width) : width, height);
  pen.drawImage(marks.of(instance, versions.of(instance.version), width, height), x, y);
  if (size.tile) caption(pen, instance, marks, x + width + 6 * ratio, y, (size.width - 56) * ratio, ratio);
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
function heading(pen, { marks, label, ratio, top }, block, group) {
  if (!label) return;
  pen.setTransform(ratio, 0, 0, ratio, 0, -top * ratio);
  pen.clearRect(block.x, block.y, block.width, block.cells - block.y);
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
    if (kind) pen.drawImage(marks.of(look({ kind }), PLAIN, side, side), x, block.y + 4, 17, 17);
    x += kind ? 19 : 0;
    pen.fillStyle = marks.colour(kind ? `--${kind}` : "--soft");
    pen.fillText(text, x, block.y + 4);
    x += pen.measureText(text).width + 10;
  }
}

// Frames around the instance that is shown and the one that the cursor is at, within their cells.
function frames(pen, { layout, fleet, marks, picked, cursor, ratio, top }) {
  const { width, height, tile } = layout.size;
  pen.setTransform(ratio, 0, 0, ratio, 0, -top * ratio);
  pen.lineWidth = 2;
  for (const [instance, colour] of [[fleet.byName.get(picked), "--text"], [cursor, "--accent"]]) {
    if (!instance || !fleet.isShown(instance)) continue;
    const { x, y } = cornerOf(layout, [instance.g, instance.i]);
    pen.strokeStyle = marks.colour(colour);
    pen.strokeRect(x + 1, y + 1, width - (tile ? 10 : 3), height - (tile ? 12 : 3));
  }
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
