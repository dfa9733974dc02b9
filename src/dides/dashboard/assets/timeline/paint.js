// How each state is painted: by colour and by pattern, so that neither has to be told apart from the other alone.
const SIZE = 6;
const STATES = ["succeeded", "failed", "skipped", "updating", "pending"];
const COLOURS = ["text", "soft", "line", "card", "ground", "accent", ...STATES];

// Colours are those of the page's style sheet, in the theme that holds now.
export function palette() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  return Object.fromEntries(COLOURS.map((name) => [name, colour(name)]));
}

export function paints(context, colours) {
  return {
    succeeded: colours.succeeded,
    failed: pattern(context, colours.failed, colours.card, cross),
    updating: pattern(context, "transparent", colours.updating, stripes),
    skipped: colours.skipped,
    paused: pattern(context, "transparent", colours.line, stripes),
  };
}

// Paints one bar; `open` ones go on.
export function bar(context, paint, colours, state, box) {
  const { x, y, width, height } = box;
  context.fillStyle = paint[state];
  if (state === "skipped") {
    const thin = Math.max(1, Math.min(4, height / 3));
    context.fillRect(x, y + (height - thin) / 2, width, thin);
    return;
  }
  context.fillRect(x, y, width, height);
  if (state === "updating" && height >= 4) {
    context.strokeStyle = colours.updating;
    context.lineWidth = 1.5;
    context.strokeRect(x + 0.75, y + 0.75, Math.max(0, width - 1.5), height - 1.5);
  }
}

export function crossMark(context, colours, x, y, size) {
  context.lineWidth = 2;
  context.strokeStyle = colours.failed;
  line(context, x - size, y - size, x + size, y + size);
  line(context, x - size, y + size, x + size, y - size);
}

export function line(context, x1, y1, x2, y2) {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}

// Paints the samples of a legend.
export function samples(root, colours) {
  for (const canvas of root.querySelectorAll("canvas[data-sample]")) {
    const scale = window.devicePixelRatio || 1;
    const [width, height] = [24, 14];
    canvas.width = width * scale;
    canvas.height = height * scale;
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    const state = canvas.dataset.sample;
    if (state === "pending") {
      context.strokeStyle = colours.soft;
      context.setLineDash([2, 3]);
      line(context, 1, height / 2, width - 1, height / 2);
    } else {
      bar(context, paints(context, colours), colours, state, { x: 0, y: 1, width, height: height - 2 });
    }
  }
}

function pattern(context, ground, ink, draw) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = SIZE;
  const pen = tile.getContext("2d");
  pen.fillStyle = ground;
  pen.fillRect(0, 0, SIZE, SIZE);
  pen.strokeStyle = ink;
  draw(pen);
  return context.createPattern(tile, "repeat");
}

function stripes(pen) {
  pen.lineWidth = 1.6;
  for (const shift of [-SIZE, 0, SIZE]) line(pen, shift, SIZE, shift + SIZE, 0);
}

function cross(pen) {
  pen.lineWidth = 0.9;
  line(pen, 0, SIZE, SIZE, 0);
  line(pen, 0, 0, SIZE, SIZE);
}
