// An instance in the dialog: the part of a page that the fleet shows beside its map, with a title and a way out.
import { base } from "./base.js";

export function showInstance(name) {
  const body = document.createElement("div");
  document.getElementById("dialog").replaceChildren(headline(name), body, link(name));
  window.htmx.ajax("GET", `${base}/ui/instances/${encodeURIComponent(name)}`, { target: body, swap: "innerHTML" });
}

// The button has the focus first, and stands first, so that a long history is shown from its beginning.
function headline(name) {
  const row = document.createElement("div");
  row.className = "headline";
  const title = document.createElement("h2");
  title.id = "dialog-title";
  title.textContent = name;
  const close = document.createElement("button");
  Object.assign(close, { type: "button", textContent: "Close", autofocus: true });
  close.dataset.close = "";
  row.append(title, close);
  return row;
}

function link(name) {
  const fleet = document.createElement("a");
  Object.assign(fleet, { href: `${base}/?instance=${encodeURIComponent(name)}`, textContent: "Show it in the fleet" });
  return fleet;
}
