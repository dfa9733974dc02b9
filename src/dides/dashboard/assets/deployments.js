// Keeps the list of deployments as it is now, and the time that those in flight have taken.
import { span } from "./moments.js";

const PAUSE_MS = 500;
let due = 0;

document.addEventListener("dides:connected", refresh);
document.addEventListener("dides:event", (event) => {
  if (event.detail.deployment_id === null || due || !concerns(event.detail)) return;
  due = setTimeout(refresh, PAUSE_MS);
});
setInterval(tick, 1_000);
tick();

// What instances report belongs to a deployment too, and changes nothing here; the verdicts that follow do.
function concerns(event) {
  const row = list().querySelector(`tr[data-id="${event.deployment_id}"]`);
  if (event.kind.startsWith("deployment.")) return row || list().dataset.newest === "yes";
  return row && "inFlight" in row.dataset && event.kind !== "instance.reported";
}

function refresh() {
  clearTimeout(due);
  due = 0;
  const here = location.pathname + location.search;
  htmx.ajax("GET", here, { target: "#deployments", select: "#deployments", swap: "outerHTML" }).then(tick);
}

function tick() {
  for (const each of document.querySelectorAll("[data-since]")) {
    each.textContent = span(Date.now() - Date.parse(each.dataset.since));
  }
}

function list() {
  return document.getElementById("deployments");
}
