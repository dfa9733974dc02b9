// The form for a deployment: marks fields that are wrong, says the plan in short, and plans anew when the fleet changes.
import { offerCopies } from "./copy.js";

const AGAIN_MS = 2_000;
const SETTLES = /^(deployment\.|instance\.(registered|relabelled|decommissioned|unreachable))/;
const form = document.getElementById("deploy");
const preview = document.getElementById("preview");
const said = document.getElementById("preview-said");
const rare = document.getElementById("rare");
let again = 0;

offerCopies(document);
rare.open = [...rare.querySelectorAll("input, select")].some((each) => each.value !== initially(each));

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

function initially(field) {
  return field.dataset.default ?? "";
}
