// Adds what happens to the top of the list: at once while its top is looked at, else behind a button that counts.
import { localise } from "./moments.js";

const PAUSE_MS = 250;
const MOST_ROWS = 500;
const list = document.getElementById("events");
const button = document.getElementById("show-new");
let waiting = [];
let due = 0;
let asking = false;
let tooMany = false;

if (list?.dataset.new) {
  document.addEventListener("dides:event", soon);
  document.addEventListener("dides:connected", soon);
  button.addEventListener("click", () => {
    if (tooMany) return location.reload();
    show();
    window.scrollTo({ top: 0 });
    list.querySelector("a, summary")?.focus();
  });
}

function soon() {
  if (!due && !tooMany) due = setTimeout(ask, PAUSE_MS);
}

async function ask() {
  due = 0;
  if (asking) return soon();
  asking = true;
  try {
    const answer = await fetch(`${list.dataset.new}&after=${list.dataset.last}`, { headers: { "HX-Request": "true" } });
    if (answer.ok) take(await answer.text());
  } catch {
    // The line at the top of the page says that the connection is broken; "dides:connected" comes back here.
  } finally {
    asking = false;
  }
}

function take(text) {
  const part = document.createElement("template");
  part.innerHTML = text;
  const found = part.content.querySelector("tbody");
  if (!found) return;
  if ("tooMany" in found.dataset) return giveUp();
  list.dataset.last = found.dataset.last;
  const rows = [...found.rows];
  if (!rows.length) return;
  localise(part.content);
  waiting = [...rows, ...waiting].slice(0, MOST_ROWS);
  if (isLookedAt()) show();
  else count();
}

// Whoever reads further down, or has a row open or in focus, is not to have it pushed away.
function isLookedAt() {
  return window.scrollY < 80 && !list.contains(document.activeElement) && !list.querySelector("details[open]");
}

function count() {
  button.textContent = `${waiting.length}${waiting.length === MOST_ROWS ? " or more" : ""} new`;
  button.hidden = false;
}

// As after hours without a connection, or when a large fleet says more than anybody can read.
function giveUp() {
  tooMany = true;
  button.textContent = "Much has happened: load the newest";
  button.hidden = false;
}

function show() {
  list.prepend(...waiting);
  waiting = [];
  button.hidden = true;
  while (list.rows.length > MOST_ROWS) list.rows[list.rows.length - 1].remove();
  document.getElementById("events-list").hidden = false;
  document.getElementById("no-events")?.remove();
}
