// The numbers above the map, which are its legend as well; pressing one shows only those.
import { PLAIN, look } from "./marks.js";

const KINDS = ["healthy", "degraded", "failed", "unknown", "unreachable", "updating", "drifted"];
const ALWAYS = ["healthy", "degraded", "failed"];
const MOST_VERSIONS = 8;
const [WIDTH, HEIGHT] = [22, 26];

export class Summary {
  #byStatus = document.getElementById("by-status");
  #byVersion = document.getElementById("by-version");

  // `choose` is called with {kind}, {version} or null.
  constructor(marks, versions, choose) {
    Object.assign(this, { marks, versions, choose, only: null });
  }

  show({ kinds, versions }) {
    const shown = KINDS.filter((kind) => kinds.get(kind) || ALWAYS.includes(kind) || this.only?.kind === kind);
    fill(this.#byStatus, shown.map((kind) => this.#status(kind, kinds.get(kind) ?? 0)));
    const ordered = this.versions.inOrder(versions);
    const items = ordered.slice(0, MOST_VERSIONS).map((version) => this.#version(version, versions.get(version)));
    if (ordered.length > MOST_VERSIONS) items.push(this.#rest(ordered.slice(MOST_VERSIONS), versions));
    fill(this.#byVersion, items);
  }

  #status(kind, count) {
    const shape = ["updating", "drifted"].includes(kind) ? "healthy" : kind;
    const instance = look({ kind: shape, updating: kind === "updating", differs: kind === "drifted" });
    return this.#item(`kind ${kind}`, picture(this.marks, instance, PLAIN), `${count.toLocaleString()} ${kind}`, { kind });
  }

  #version(version, count) {
    const drawn = picture(this.marks, look({ kind: "healthy" }), this.versions.of(version));
    return this.#item(`version ${version}`, drawn, `${version || "no version reported"}: ${count.toLocaleString()}`, { version });
  }

  #rest(others, counts) {
    const number = others.reduce((sum, version) => sum + counts.get(version), 0);
    const item = document.createElement("li");
    item.className = "help";
    item.textContent = `${others.length.toLocaleString()} other versions: ${number.toLocaleString()}`;
    return { key: "rest", item };
  }

  #item(key, drawn, text, only) {
    const [item, button] = [document.createElement("li"), document.createElement("button")];
    const pressed = JSON.stringify(this.only) === JSON.stringify(only);
    button.type = "button";
    button.dataset.key = key;
    button.setAttribute("aria-pressed", pressed);
    button.append(drawn, text);
    button.addEventListener("click", () => this.choose(pressed ? null : only));
    item.append(button);
    return { key, item };
  }
}

// Put items into a list; what had the focus has it again.
function fill(list, items) {
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  list.replaceChildren(...items.map((each) => each.item));
  if (focused) [...list.querySelectorAll("button")].find((each) => each.dataset.key === focused)?.focus();
}

function picture(marks, instance, mark) {
  const [ratio, canvas] = [devicePixelRatio, document.createElement("canvas")];
  Object.assign(canvas, { width: WIDTH * ratio, height: HEIGHT * ratio });
  canvas.setAttribute("aria-hidden", "true");
  canvas.getContext("2d").drawImage(marks.of(instance, mark, canvas.width, canvas.height), 0, 0);
  return canvas;
}
