// The instances that the page knows, by name and in groups.
import { look } from "./marks.js";

const STATUSES = ["unknown", "healthy", "degraded", "failed"];
const UNREACHABLE = 4;
const UPDATING = 8;
const DIFFERS = 16;
const naturally = new Intl.Collator(undefined, { numeric: true }).compare;

export class Fleet {
  constructor() {
    this.byName = new Map();
    this.groups = []; // [{value, cells: [instance]}]
    this.total = 0; // how many there are, whatever the selector matches
    this.keys = []; // of all labels
    this.only = null; // {kind} or {version}: which of the matching ones are shown
  }

  // Take up an answer with everything that matches.
  replace(answer) {
    this.byName = new Map(instancesIn(answer).map((each) => [each.name, each]));
    this.total = answer.total;
    this.keys = answer.keys;
    this.regroup();
  }

  // Take up an answer to the question for some; return whether cells have moved.
  update(answer, asked) {
    const found = new Map(instancesIn(answer).map((each) => [each.name, each]));
    this.total = answer.total;
    let moved = false;
    for (const name of asked) moved = this.#renew(name, found.get(name)) || moved;
    if (moved) this.regroup();
    return moved;
  }

  #renew(name, now) {
    const before = this.byName.get(name);
    if (!now) return this.byName.delete(name) && this.#shows(before);
    if (!before) {
      this.byName.set(name, now);
      return this.#shows(now);
    }
    const [group, shown] = [before.group, this.#shows(before)];
    Object.assign(before, now);
    return group !== now.group || shown !== this.#shows(now);
  }

  show(only) {
    this.only = only;
    this.regroup();
  }

  #shows(instance) {
    if (!this.only) return true;
    return "version" in this.only ? instance.version === this.only.version : isOf(instance, this.only.kind);
  }

  regroup() {
    const groups = new Map();
    const shown = [...this.byName.values()].filter((each) => this.#shows(each));
    shown.sort((one, other) => (one.name < other.name ? -1 : 1));
    for (const each of shown) {
      if (!groups.has(each.group)) groups.set(each.group, []);
      groups.get(each.group).push(each);
    }
    const values = [...groups.keys()].sort((one, other) => !one - !other || naturally(one, other));
    this.groups = values.map((value) => ({ value, cells: groups.get(value) }));
    this.groups.forEach((group, g) => group.cells.forEach((each, i) => ([each.g, each.i] = [g, i])));
  }

  // The instances that are shown, in the order of the map.
  get shown() {
    return this.groups.flatMap((group) => group.cells);
  }

  isShown(instance) {
    return this.groups[instance.g]?.cells[instance.i] === instance;
  }

  // How many there are of each kind and of each version, of all that match.
  counts() {
    const kinds = new Map();
    const versions = new Map();
    const count = (counts, key) => counts.set(key, (counts.get(key) ?? 0) + 1);
    for (const each of this.byName.values()) {
      count(kinds, each.kind);
      if (each.updating) count(kinds, "updating");
      if (each.differs) count(kinds, "drifted");
      count(versions, each.version);
    }
    return { kinds, versions };
  }
}

function instancesIn(answer) {
  return answer.names.map((name, place) => {
    const state = answer.states[place];
    const kind = state & UNREACHABLE ? "unreachable" : STATUSES[state & 3];
    return {
      name,
      ...look({ kind, updating: Boolean(state & UPDATING), differs: Boolean(state & DIFFERS) }),
      version: answer.versions[answer.version_of[place]],
      group: answer.groups[answer.group_of[place]],
    };
  });
}

function isOf(instance, kind) {
  if (kind === "updating") return instance.updating;
  if (kind === "drifted") return instance.differs;
  return instance.kind === kind;
}
