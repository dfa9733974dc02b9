// Says which target is pointed at, in words.
import { span } from "../moments.js";
import { firstTold, stateAt } from "./model.js";

const clock = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

export function told(target, began) {
  return firstTold(target) === null ? "not told" : clock.format(new Date(began + firstTold(target)));
}

export function took(target, end) {
  const begun = firstTold(target);
  if (begun === null) return "–";
  return target.done === null ? `${span(end - begun)} so far` : span(target.done - begun);
}

export function why(target) {
  return [target.reason, target.message].filter(Boolean).join(": ");
}

// Fills an element with what is known of a target at a moment.
export function describe(into, target, model, at) {
  const state = stateAt(target, at);
  const facts = [
    ["told", told(target, model.began)],
    ["took", took(target, model.end)],
    ["from", target.from || "nothing known"],
    ["to", target.to || "what it had before"],
    ...(target.wave ? [["wave", String(target.wave)]] : []),
    ...(target.attempt > 1 ? [["attempt", String(target.attempt)]] : []),
    ...(target.reason ? [["why", target.reason]] : []),
  ];
  const list = element("dl", "");
  for (const [name, value] of facts) list.append(fact(name, value));
  into.replaceChildren(headline(target, state), list, ...(target.message ? [element("pre", target.message)] : []));
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
  pair.append(element("dt", name), element("dd", value));
  return pair;
}
