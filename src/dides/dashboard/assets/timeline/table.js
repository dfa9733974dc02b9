// The same targets as a table, for whoever cannot or would rather not read a chart.
import { element, instanceButton, stateMark, startedAt, took, why } from "./naming.js";
import { stateAt } from "./model.js";

const NOBODY = "No target is like that. Clear the fields to see all.";
const FIRST = 100;
const MORE = 400;

export class Table {
  constructor(root, model) {
    Object.assign(this, { model, most: FIRST, known: new Map(), shown: false });
    const find = (selector) => root.querySelector(selector);
    this.body = find("tbody");
    this.name = find("#find-target");
    this.state = find("#find-state");
    this.said = find("[data-rows]");
    this.more = find("[data-more]");
    this.name.addEventListener("input", () => this.draw());
    this.state.addEventListener("change", () => this.draw());
    this.more.addEventListener("click", () => {
      this.most += MORE;
      this.draw();
    });
  }

  draw(at = this.at ?? null) {
    this.at = at;
    if (!this.shown) return;
    const moment = at ?? this.model.end;
    const focused = document.activeElement.closest("#timeline tbody tr")?.dataset.target;
    const found = this.found(moment);
    const rows = found.slice(0, this.most).map((target) => this.row(target, moment));
    // Rows that stay are not touched, so that the focus and a selection of text stay too.
    rows.forEach((row, index) => {
      const there = this.body.rows[index];
      if (there !== row) this.body.insertBefore(row, there ?? null);
    });
    while (this.body.rows.length > rows.length) this.body.lastElementChild.remove();
    if (focused) this.body.querySelector(`tr[data-target="${focused}"] button`)?.focus();
    this.said.textContent = found.length ? `${rows.length} of ${found.length} shown` : NOBODY;
    this.more.hidden = rows.length === found.length;
  }

  found(moment) {
    const [name, state] = [this.name.value.trim().toLowerCase(), this.state.value];
    return this.model.rows.filter(
      (target) => target.name.includes(name) && (!state || stateAt(target, moment) === state),
    );
  }

  row(target, moment) {
    const state = stateAt(target, moment);
    const final = state === target.state;
    const key = JSON.stringify([target, state]);
    const known = this.known.get(target.id);
    const lasted = took(target, moment);
    if (known?.key === key) {
      known.row.cells[4].textContent = lasted;
      return known.row;
    }
    const cells = [
      instanceButton(target),
      stateMark(state),
      target.wave || "–",
      state === "pending" || target.started === null ? "–" : startedAt(target, this.model.began),
      lasted,
      target.from || "–",
      final ? why(target) || "–" : "–",
    ];
    const row = document.createElement("tr");
    row.dataset.target = target.id;
    row.append(...cells.map((cell) => filled(cell)));
    row.cells[4].className = "number";
    this.known.set(target.id, { key, row });
    return row;
  }
}

function filled(content) {
  const cell = element("td", "");
  cell.append(content instanceof Node ? content : String(content));
  return cell;
}
