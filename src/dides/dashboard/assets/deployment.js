// The page of a deployment: fetches anew what events say has changed, and shows it.
import { base } from "./base.js";
import { Board } from "./timeline/board.js";
import { showInstance } from "./instance_dialog.js";
import { localise } from "./moments.js";
import { inPieces } from "./pieces.js";

// Between two fetches; longer where they are slow, so that looking on takes a tenth of the coordinator at most.
const PATIENCE_MS = 250;
const LONGEST_MS = 5_000;
const SHARE = 10;
const MOST_NAMES = 100;
const OTHERS = new Set(["target.joined", "target.withdrawn"]);
const page = document.getElementById("deployment");
const id = Number(page.dataset.id);
const path = `${base}/ui/deployments/${id}`;
const board = new Board(document.getElementById("timeline"));
const due = { summary: false, whole: false, names: new Set(), timer: 0, pause: PATIENCE_MS };
const shown = new Map();

document.addEventListener("dides:connected", () => want({ summary: true, whole: true }));
document.addEventListener("dides:event", ({ detail: event }) => {
  if (event.deployment_id === id) ofThis(event);
  else if (event.kind.startsWith("deployment.")) want({ summary: true });
  else if (event.kind === "instance.reported" && board.shows(event.instance)) want({ name: event.instance });
  else if (event.kind === "instance.decommissioned") want({ summary: true, whole: true });
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-instance]");
  if (button) showInstance(button.dataset.instance);
});
want({ whole: true });

function ofThis(event) {
  const single = event.kind.startsWith("target.") && event.instance && !OTHERS.has(event.kind);
  want(single ? { summary: true, name: event.instance } : { summary: true, whole: true });
}

// Notes what is to be fetched, and fetches it a moment later, together with what else comes until then.
function want({ summary = false, whole = false, name = null }) {
  due.summary ||= summary;
  due.whole ||= whole;
  if (name) due.names.add(name);
  if (due.names.size > MOST_NAMES) due.whole = true;
  due.timer ||= setTimeout(fetchDue, due.pause);
}

async function fetchDue() {
  const { summary, whole, names } = { ...due, names: [...due.names] };
  Object.assign(due, { summary: false, whole: false, names: new Set() });
  const begun = performance.now();
  try {
    for (const piece of whole ? [[]] : inPieces(names, MOST_NAMES)) await fetchTargets(piece);
    if (summary) await fetchSummary();
  } catch {
    // Without a coordinator the page says so, and everything is fetched anew once there is one.
  }
  due.pause = Math.min(LONGEST_MS, Math.max(PATIENCE_MS, SHARE * (performance.now() - begun)));
  due.timer = 0;
  if (due.summary || due.whole || due.names.size) want({});
}

async function fetchTargets(names) {
  const query = names.length ? `?names=${encodeURIComponent(names.join(","))}` : "";
  const answer = await ask(`${path}/timeline.json${query}`);
  if (answer) board.take(await answer.json(), !names.length);
}

async function fetchSummary() {
  const answer = await ask(`${path}/summary`);
  if (!answer) return;
  const made = document.createElement("template");
  made.innerHTML = await answer.text();
  const summary = made.content.querySelector("#summary");
  if (!summary) return;
  for (const part of summary.querySelectorAll("[data-part]")) replace(part);
  say(summary.dataset);
}

// A part that has not changed stays, with the focus and the selected text in it, and buttons stay under the pointer.
function replace(part) {
  const name = part.dataset.part;
  const text = part.innerHTML;
  if (shown.get(name) === text) return;
  shown.set(name, text);
  const there = document.querySelector(`#summary [data-part="${name}"]`);
  const focused = there.contains(document.activeElement) ? document.activeElement.id : "";
  there.hidden = part.hidden;
  there.replaceChildren(...part.childNodes);
  localise(there);
  window.htmx.process(there);
  if (focused) document.getElementById(focused)?.focus();
}

function say({ status, said }) {
  const summary = document.getElementById("summary");
  if (summary.dataset.status === status) return;
  summary.dataset.status = status;
  document.getElementById("said").textContent = said;
}

async function ask(url) {
  const answer = await fetch(url, { headers: { "HX-Request": "true", "HX-Current-URL": location.href } });
  const elsewhere = answer.headers.get("HX-Redirect");
  if (elsewhere) location.assign(elsewhere);
  return answer.ok && !answer.redirected ? answer : null;
}
