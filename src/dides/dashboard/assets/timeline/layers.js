// The layers of the chart, from the ground up; each is given the chart.
import { span } from "../moments.js";
import { firstStarted, stateAt } from "./model.js";
import { bar, crossMark, line } from "./paint.js";
import { AXIS } from "./scale.js";

const MARKS_APART = 9;
const NARROWEST = 3;
const SMALLEST_LABEL = 11;
export const LAYERS = [bands, pauses, ticks, marked, bars, moment, waves, failures];

// A shade for every other wave.
function bands({ context, model, scale, colours }) {
  context.fillStyle = colours.ground;
  model.groups.forEach((group, index) => {
    const next = model.groups[index + 1]?.first ?? model.rows.length;
    if (index % 2) context.fillRect(0, scale.y(group.first), scale.full.width, (next - group.first) * scale.row);
  });
}

function pauses(chart) {
  const { context, model, scale, colours, paints } = chart;
  for (const [from, to] of model.pauses) {
    if (from > chart.moment) continue;
    const [x, end] = [scale.x(from), scale.x(Math.min(to ?? model.end, chart.moment))];
    context.fillStyle = paints.paused;
    context.fillRect(x, AXIS, Math.max(2, end - x), scale.full.height - AXIS);
    context.fillStyle = colours.soft;
    if (end - x > 46) context.fillText("paused", x + 3, chart.box.scrollTop + AXIS + 13);
  }
}

function ticks({ context, scale, colours }) {
  context.strokeStyle = colours.line;
  context.lineWidth = 1;
  for (const at of scale.ticks()) line(context, scale.x(at), AXIS, scale.x(at), scale.full.height);
}

// The row of the target that is pointed at or chosen.
function marked({ context, box, scale, colours, marked: target }) {
  if (!target) return;
  const height = Math.max(3, scale.row);
  const y = scale.y(target.row) + (scale.row - height) / 2;
  context.fillStyle = colours.accent;
  context.globalAlpha = 0.22;
  context.fillRect(box.scrollLeft, y, box.clientWidth, height);
  context.globalAlpha = 1;
}

function bars(chart) {
  const [first, last] = chart.seen;
  for (const target of chart.model.rows.slice(first, last)) one(chart, target);
}

function one(chart, target) {
  const { context, scale, colours, paints, moment: at } = chart;
  const state = stateAt(target, at);
  const gap = scale.row >= 8 ? 4 : scale.row >= 3 ? 1 : 0;
  const [y, height] = [scale.y(target.row) + gap / 2, Math.max(1, scale.row - gap)];
  if (state === "pending") return waiting(chart, target);
  const begun = firstStarted(target) ?? target.done;
  const end = state === "updating" ? at : target.done;
  const width = Math.max(NARROWEST, scale.x(end) - scale.x(begun));
  bar(context, paints, colours, state, { x: scale.x(begun), y, width, height });
  if (scale.row < 5) return;
  for (const started of again(target, at)) {
    context.fillStyle = colours.text;
    context.fillRect(scale.x(started) - 1, y - 1, 2, height + 2);
  }
}

// When a target's update started once more.
function again(target, at) {
  return [...target.earlier, target.started].slice(1).filter((started) => started <= at);
}

function waiting({ context, scale, colours, moment: at }, target) {
  if (scale.row < 8) return;
  context.strokeStyle = colours.pending;
  context.lineWidth = 1;
  context.setLineDash([2, 4]);
  line(context, scale.x(0), scale.y(target.row + 0.5), scale.x(at), scale.y(target.row + 0.5));
  context.setLineDash([]);
}

function moment(chart) {
  const { context, scale, colours } = chart;
  if (!shownMoment(chart)) return;
  context.strokeStyle = colours.accent;
  context.lineWidth = 2;
  line(context, scale.x(chart.moment), AXIS, scale.x(chart.moment), scale.full.height);
}

// A line between waves, and their names where they have room.
function waves({ context, box, model, scale, colours }) {
  if (model.groups.length < 2 && model.groups[0]?.wave === 1) return;
  model.groups.forEach(({ wave, first }, index) => {
    const y = scale.y(first);
    const height = ((model.groups[index + 1]?.first ?? model.rows.length) - first) * scale.row;
    context.strokeStyle = colours.soft;
    context.lineWidth = 1;
    if (first) line(context, 0, y, scale.full.width, y);
    if (height < SMALLEST_LABEL) return;
    const name = wave === Infinity ? "not started" : model.waves > 1 ? `wave ${wave}` : "started";
    label(context, colours, name, box.scrollLeft + box.clientWidth - 20, y + Math.min(height, 18) / 2);
  });
}

function label(context, colours, text, right, y) {
  const width = context.measureText(text).width;
  context.fillStyle = colours.card;
  context.globalAlpha = 0.85;
  context.fillRect(right - width - 6, y - 5.5, width + 6, 11);
  context.globalAlpha = 1;
  context.fillStyle = colours.soft;
  context.fillText(text, right - width - 3, y + 4);
}

// Failed targets have a cross at the right edge, which is seen however thin the rows are.
function failures(chart) {
  const { context, box, model, scale, colours } = chart;
  const x = box.scrollLeft + box.clientWidth - 8;
  let free = -Infinity;
  for (const target of model.rows) {
    const y = scale.y(target.row + 0.5);
    if (target.state !== "failed" || y < free || stateAt(target, chart.moment) !== "failed") continue;
    free = y + MARKS_APART;
    crossMark(context, colours, x, y, 4);
  }
}

export function axis(chart) {
  const { context, box, scale, colours } = chart;
  context.fillStyle = colours.card;
  context.fillRect(0, 0, box.clientWidth, AXIS);
  context.fillStyle = colours.soft;
  for (const at of scale.ticks()) {
    const x = scale.x(at) - box.scrollLeft;
    if (x >= scale.left - 1 && x < box.clientWidth - 40) context.fillText(short(at), x + 3, 16);
  }
  context.strokeStyle = colours.line;
  context.lineWidth = 1;
  line(context, 0, AXIS - 0.5, box.clientWidth, AXIS - 0.5);
  if (shownMoment(chart)) nameMoment(chart);
}

// Whether a line says which moment is shown: at the end of what has ended, none has to.
function shownMoment(chart) {
  return chart.at !== null || chart.model.ended === null;
}

function nameMoment(chart) {
  const { context, box, scale, colours } = chart;
  const text = chart.at === null ? "now" : span(chart.at);
  const width = context.measureText(text).width + 8;
  const x = scale.x(chart.moment) - box.scrollLeft;
  if (x < scale.left - 1 || x > box.clientWidth) return;
  const left = Math.min(Math.max(scale.left, x - width / 2), box.clientWidth - width);
  context.fillStyle = colours.accent;
  context.fillRect(left, 3, width, AXIS - 4);
  context.fillStyle = colours.card;
  context.fillText(text, left + 4, 16);
}

export function names(chart) {
  const { context, box, scale, colours } = chart;
  context.fillStyle = colours.card;
  context.fillRect(0, AXIS, scale.left, box.clientHeight - AXIS);
  if (!scale.names) return;
  context.font = `${Math.min(12, scale.row - 1)}px system-ui, sans-serif`;
  context.save();
  context.beginPath();
  context.rect(0, AXIS, scale.left - 6, box.clientHeight - AXIS);
  context.clip();
  const [first, last] = chart.seen;
  for (const target of chart.model.rows.slice(first, last)) {
    context.fillStyle = target === chart.marked ? colours.accent : colours.text;
    context.fillText(target.name, 4, scale.y(target.row + 0.5) - box.scrollTop + 4);
  }
  context.restore();
}

function short(ms) {
  const [hours, minutes, seconds] = [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000) % 60, (ms / 1000) % 60];
  const parts = [hours && `${hours} h`, minutes && `${minutes} min`, seconds && `${seconds} s`].filter(Boolean);
  return parts.join(" ") || "0";
}
