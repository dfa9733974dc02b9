// The page of the fleet: the map or the list, what is to be shown on it, and one instance beside it.
import { base } from "./base.js";
import { Fleet } from "./fleet/data.js";
import { Feed } from "./fleet/feed.js";
import { List } from "./fleet/list.js";
import { FleetMap } from "./fleet/map.js";
import { Marks } from "./fleet/marks.js";
import { Panel } from "./fleet/panel.js";
import { Summary } from "./fleet/summary.js";
import { Versions } from "./fleet/versions.js";

const TYPING_MS = 250;
const NEWEST_MS = 300;
// The events after which the part above the map says something else.
const NEWS = /^((deployment|wave|target|convergence)\.|instance\.(duplicated|inherited|registered|unreachable)$)/;
const element = (id) => document.getElementById(id);
const address = new URLSearchParams(location.search);
const [fleet, marks, versions] = [new Fleet(), new Marks(), new Versions()];
const summary = new Summary(marks, versions, choose);
const map = new FleetMap(fleet, marks, versions, describe, pick);
const list = new List(fleet, pick);
const panel = new Panel(unpicked);
const feed = new Feed({ all, some, wrong: refuse, failed: say });
let typing = 0;
let newest = 0;

begin();

function begin() {
  element("selector").value = address.get("selector") ?? "";
  if (address.get("group")) offer([address.get("group")], address.get("group"));
  summary.only = address.has("only") ? { kind: address.get("only") } : address.has("version") ? { version: address.get("version") } : null;
  fleet.only = summary.only;
  view(address.get("view") === "list" ? "list" : "map");
  element("selector").addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(ask, TYPING_MS);
  });
  element("controls").addEventListener("submit", (event) => event.preventDefault());
  element("group").addEventListener("change", ask);
  element("as-map").addEventListener("click", () => view("map"));
  element("as-list").addEventListener("click", () => view("list"));
  document.addEventListener("dides:event", (event) => happened(event.detail));
  document.addEventListener("dides:connected", everything);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => show());
  ask();
  if (address.get("instance")) pick(address.get("instance"), false);
}

function ask() {
  feed.all({ selector: element("selector").value.trim(), group: element("group").value });
}

function everything() {
  feed.all();
  askForNewest();
}

function happened({ kind, instance }) {
  if (instance) {
    feed.changed(instance);
    panel.changed(instance);
  }
  if (NEWS.test(kind)) askForNewest();
}

function askForNewest() {
  newest ||= setTimeout(() => {
    newest = 0;
    htmx.ajax("GET", `${base}/ui/fleet/deployment`, { source: "#newest", target: "#newest", swap: "innerHTML" });
  }, NEWEST_MS);
}

function all(answer) {
  fleet.replace(answer);
  versions.learn(answer.marks);
  map.label = element("group").value;
  offer(answer.keys, map.label);
  say("");
  remember();
  show();
  list.begin();
}

function some(answer, names) {
  const moved = fleet.update(answer, names);
  const marked = versions.learn(answer.marks);
  show(moved || marked ? null : names.map((name) => fleet.byName.get(name)));
  list.changed();
}

// Show the numbers, and the map: of some instances that have changed where they were, or all of it.
function show(changed = null) {
  const counts = fleet.counts();
  summary.show(counts);
  changed ? map.touch(changed) : map.arrange();
  const [there, matching] = [fleet.total > 0, fleet.byName.size];
  element("empty").hidden = there;
  element("fleet").hidden = !there;
  element("count").textContent = matching === fleet.total ? instances(matching) : `${matching.toLocaleString()} of ${instances(fleet.total)}`;
  const nothing = fleet.groups.length === 0;
  element("none").hidden = !nothing;
  if (nothing) element("none").textContent = matching ? "None of them is like that now." : "No instance matches this selector.";
}

function instances(number) {
  return `${number.toLocaleString()} instance${number === 1 ? "" : "s"}`;
}

// Show only those of a status or a version; null is all of them.
function choose(only) {
  summary.only = only;
  fleet.show(only);
  remember();
  show();
  list.begin();
}

function pick(name, focus) {
  map.picked = name;
  panel.open(name, focus);
  remember();
  map.redraw();
}

function unpicked(name, focused) {
  map.picked = null;
  remember();
  map.redraw();
  if (focused) (element("list").hidden ? map : list).focus(name);
}

function view(which) {
  for (const each of ["map", "list"]) {
    element(each).hidden = each !== which;
    element(`as-${each}`).setAttribute("aria-pressed", each === which);
  }
  remember();
  which === "map" ? map.arrange() : list.begin();
}

function describe({ name, kind, updating, differs, version, group }) {
  const grouped = map.label ? `${map.label} ${group || "not set"}` : "";
  const parts = [kind, updating && "updating", differs && "drifted", version ? `runs ${version}` : "no version reported", grouped];
  return `${name}: ${parts.filter(Boolean).join(", ")}`;
}

function offer(keys, chosen) {
  const wanted = chosen && !keys.includes(chosen) ? [...keys, chosen] : keys;
  const options = wanted.map((key) => new Option(key, key, false, key === chosen));
  element("group").replaceChildren(new Option("no groups", "", false, !chosen), ...options);
}

// A selector that is wrong is said to be so beside it; what was shown last stays.
function refuse(text) {
  say(`This is no selector: ${text}.`);
  element("selector").setAttribute("aria-invalid", "true");
  if (fleet.byName.size) return;
  element("none").hidden = false;
  element("none").textContent = "Instances appear here once the selector is one.";
}

function say(text) {
  element("wrong").textContent = text;
  element("selector").removeAttribute("aria-invalid");
}

// Keep in the address what is shown, so that it can be kept and passed on.
function remember() {
  const only = summary.only ?? {};
  const shown = {
    selector: element("selector").value.trim(),
    group: element("group").value,
    view: element("list").hidden ? "" : "list",
    only: only.kind,
    version: only.version,
    instance: panel.name,
  };
  const query = new URLSearchParams(Object.entries(shown).filter(([, value]) => value));
  history.replaceState(null, "", String(query) ? `?${query}` : location.pathname);
}
