// Says which target is pointed at, in words.
import { span } from "../moments.js";
import { firstStarted, stateAt } from "./model.js";

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const LAST_LINES = 6;
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

// When a target's update started first, as text with the date in its title; the page says on which day it began.
export function startedAt(target, began) {
  const moment = new Date(began + firstStarted(target));
  const sameDay = moment.toDateString() === new Date(began).toDateString();
  const time = element("time", (sameDay ? clock : exact).format(moment));
  time.dateTime = moment.toISOString();
  time.title = exact.format(moment);
  return time;
}

// How long it took, or has taken at a moment.
export function took(target, at) {
  const begun = firstStarted(target);
  if (begun === null || at < begun) return "–";
  return target.done === null || at < target.done ? `${span(at - begun)} so far` : span(target.done - begun);
}

export function why(target) {
  return [target.reason, lastLines(target.message, 1)].filter(Boolean).join(": ");
}

// The end of a message, where the error usually stands.
function lastLines(message, number) {
  return message.trimEnd().split("\n").slice(-number).join("\n");
}

// Fills an element with what is known of a target at a moment.
export function describe(into, target, model, at) {
  const state = stateAt(target, at);
  // The outcome is named once there is one.
  const known = state === target.state;
  const list = element("dl", "");
  for (const [name, value] of [...times(target, model, at), ...versions(target), ...(known ? outcome(target) : [])]) {
    list.append(fact(name, value));
  }
  const message = known && target.message ? [element("pre", lastLines(target.message, LAST_LINES))] : [];
  into.replaceChildren(headline(target, state), list, ...message);
}

function times(target, model, at) {
  if (stateAt(target, at) === "pending" || firstStarted(target) === null) return [];
  return [
    ["started", startedAt(target, model.began)],
    ["took", took(target, at)],
  ];
}

function versions(target) {
  return [
    ["from", target.from || "nothing known"],
    ["to", target.to || "what it had before"],
  ];
}

function outcome(target) {
  return [
    ...(target.wave ? [["wave", target.wave]] : []),
    ...(target.attempt > 1 ? [["attempt", target.attempt]] : []),
    ...(target.reason ? [["why", target.reason]] : []),
  ];
}

export function instanceButton(target) {
  const button = element("button", target.name);
  button.type = "button";
  button.className = "link";
  button.dataset.instance = target.name;
  button.title = "Show this instance";
  return button;
}

export function stateMark(state) {
  const mark = element("span", state);
  mark.className = `state ${state}`;
  return mark;
}

export function element(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

function headline(target, state) {
  const line = element("p", "");
  line.append(instanceButton(target), " ", stateMark(state));
  return line;
}

function fact(name, value) {
  const pair = element("div", "");
  const said = element("dd", "");
  said.append(value);
  pair.append(element("dt", name), said);
  return pair;
}
