// The form for a deployment: marks fields that are wrong, says the plan in short, and plans anew when the fleet changes.
import { offerCopies } from "./copy.js";

const AGAIN_MS = 2_000;
const TYPING_MS = 300;
const SETTLES = /^(deployment\.|instance\.(registered|relabelled|decommissioned|unreachable))/;
const form = document.getElementById("deploy");
const preview = document.getElementById("preview");
const said = document.getElementById("preview-said");
const rare = document.getElementById("rare");
let again = 0;
let typing = 0;

offerCopies(document);
rare.open = [...rare.querySelectorAll("input:not([type=hidden]), select")].some((it) => valueOf(it) !== initially(it));

form.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(remember, TYPING_MS);
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target !== preview) return;
  markFields();
  say(preview.querySelector("[data-said]")?.dataset.said ?? "");
});
document.addEventListener("dides:unclear", () => form.querySelector('[aria-invalid="true"]')?.focus());
document.addEventListener("dides:event", (event) => {
  if (SETTLES.test(event.detail.kind) && !again) again = setTimeout(planAgain, AGAIN_MS);
});
document.addEventListener("dides:connected", planAgain);

function planAgain() {
  clearTimeout(again);
  again = 0;
  htmx.trigger(form, "dides:again");
}

// Keep in the address what is typed, so that it survives a sign-in, and can be passed on.
function remember() {
  const typed = new Map();
  for (const [name, value] of new FormData(form)) if (document.getElementById(name)) typed.set(name, value.trim());
  const query = new URLSearchParams([...typed].filter(([name, value]) => value !== initially(document.getElementById(name))));
  history.replaceState(null, "", String(query) ? `?${query}` : location.pathname);
}

function markFields() {
  for (const wrong of form.querySelectorAll(".wrong[data-field]")) {
    const field = document.getElementById(wrong.dataset.field);
    if (!wrong.textContent) field.removeAttribute("aria-invalid");
    else {
      field.setAttribute("aria-invalid", "true");
      if (rare.contains(field)) rare.open = true;
    }
  }
}

// Only what is new is heard.
function say(text) {
  if (said.textContent !== text) said.textContent = text;
}

// What a switch says is whether it is on.
function valueOf(field) {
  return field.type === "checkbox" ? String(field.checked) : field.value;
}

function initially(field) {
  return field.dataset.default ?? "";
}
