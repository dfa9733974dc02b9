// Where cells are: groups are blocks beside and beneath each other, cells fill a block row by row. Only arithmetic, in
// CSS pixels. A place is [group, cell].
const SIZES = [
  { width: 184, height: 56, tile: true },
  ...[44, 38, 32, 27, 23, 20, 17, 15, 13].map((side) => ({ width: side, height: Math.round(side * 1.15), tile: false })),
];
const GAP = 16;
const HEAD = 28;
const NARROWEST = 150;

// Lay so many cells of each group out on a width: as large as fits a height, and else as small as can be told apart.
export function layOut(counts, width, height, headed) {
  let layout = null;
  for (const size of SIZES) {
    if (size.tile && width < 2 * size.width && counts.length > 1) continue;
    layout = arrange(counts, width, size, headed ? HEAD : 0);
    if (layout.height <= height) break;
  }
  return layout;
}

function arrange(counts, width, size, head) {
  const most = head ? Math.max(1, Math.floor((width + GAP) / (Math.max(NARROWEST, size.width) + GAP))) : 1;
  let best = null;
  for (let beside = 1; beside <= Math.min(most, Math.max(1, counts.length)); beside++) {
    const columns = Math.max(1, Math.floor((width - GAP * (beside - 1)) / beside / size.width));
    const height = heightOf(counts, beside, columns, size, head);
    if (!best || height < best.height) best = { beside, columns, height };
  }
  return { size, columns: best.columns, height: best.height, blocks: blocksOf(counts, width, best, size, head) };
}

function heightOf(counts, beside, columns, size, head) {
  let height = 0;
  for (let first = 0; first < counts.length; first += beside) {
    let rows = 0;
    for (let g = first; g < first + beside && g < counts.length; g++) rows = Math.max(rows, Math.ceil(counts[g] / columns));
    height += head + rows * size.height + GAP;
  }
  return Math.max(0, height - GAP);
}

function blocksOf(counts, width, { beside, columns }, size, head) {
  const blocks = [];
  const pace = (width + GAP) / beside;
  let top = 0;
  let tallest = 0;
  counts.forEach((count, g) => {
    if (g && g % beside === 0) [top, tallest] = [top + tallest + GAP, 0];
    const height = head + Math.ceil(count / columns) * size.height;
    tallest = Math.max(tallest, height);
    blocks.push({ x: Math.round((g % beside) * pace), y: top, width: pace - GAP, height, cells: top + head, count });
  });
  return blocks;
}

// The corner of a cell.
export function cornerOf(layout, [g, i]) {
  const block = layout.blocks[g];
  const [row, column] = [Math.floor(i / layout.columns), i % layout.columns];
  return { x: block.x + column * layout.size.width, y: block.cells + row * layout.size.height };
}

// The place at a point, or null.
export function placeAt(layout, x, y) {
  const { size, columns } = layout;
  const inside = (block) => y >= block.cells && y < block.y + block.height && x >= block.x && x < block.x + columns * size.width;
  const g = layout.blocks.findIndex(inside);
  if (g < 0) return null;
  const block = layout.blocks[g];
  const i = Math.floor((y - block.cells) / size.height) * columns + Math.floor((x - block.x) / size.width);
  return i < block.count ? [g, i] : null;
}

// The place where a key leads from another, or the same one at an edge.
export function following(layout, [g, i], key) {
  const last = layout.blocks.length - 1;
  if (key === "Home") return [0, 0];
  if (key === "End") return [last, layout.blocks[last].count - 1];
  if (key === "ArrowRight") return i + 1 < layout.blocks[g].count ? [g, i + 1] : g < last ? [g + 1, 0] : [g, i];
  if (key === "ArrowLeft") return i > 0 ? [g, i - 1] : g > 0 ? [g - 1, layout.blocks[g - 1].count - 1] : [g, i];
  const down = key === "ArrowDown";
  const beside = i + (down ? layout.columns : -layout.columns);
  const end = layout.blocks[g].count - 1;
  if (beside >= 0 && beside <= end) return [g, beside];
  if (down && Math.floor(i / layout.columns) < Math.floor(end / layout.columns)) return [g, end];
  const { x, y } = cornerOf(layout, [g, i]);
  return nearest(layout, x, y, down) ?? [g, i];
}

// The place above or beneath a cell's corner that is nearest to it, in another block.
function nearest(layout, x, y, down) {
  let best = null;
  layout.blocks.forEach((block, g) => {
    const bottom = block.y + block.height - layout.size.height;
    const edge = down ? block.cells : bottom;
    if (down ? edge <= y : edge >= y) return;
    const first = down ? 0 : Math.floor((block.count - 1) / layout.columns) * layout.columns;
    const column = Math.round((x - block.x) / layout.size.width);
    const i = first + Math.max(0, Math.min(column, layout.columns - 1, block.count - 1 - first));
    const distance = Math.abs(edge - y) * 4 + Math.abs(cornerOf(layout, [g, i]).x - x);
    if (!best || distance < best.distance) best = { distance, place: [g, i] };
  });
  return best?.place;
}
