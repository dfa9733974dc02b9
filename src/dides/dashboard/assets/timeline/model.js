// The targets of a deployment, and what they were at any moment. Moments are milliseconds since the trigger.
export const STATES = ["succeeded", "failed", "skipped", "updating", "pending"];

export class Model {
  constructor() {
    this.targets = new Map();
    this.rows = [];
    this.groups = [];
    this.longest = "";
    this.pauses = [];
    this.began = 0;
    this.ended = null;
    this.waves = 1;
    this.total = 0;
    this.note = "";
    this.skew = 0;
  }

  // Takes up what timeline.json says: everything, or some targets that have changed.
  take(data, whole) {
    if (whole) {
      this.targets.clear();
      Object.assign(this, { began: data.began, total: data.total, note: data.note, pauses: data.pauses });
    }
    for (const row of data.targets) {
      const target = decoded(row, data);
      const known = this.targets.get(target.id);
      if (known && !target.earlier.length) target.earlier = earlierOf(known, target);
      this.targets.set(target.id, target);
    }
    this.ended = data.ended;
    this.waves = data.waves;
    this.skew = Date.now() - data.began - data.now;
    this.sort();
  }

  // The end of what there is to see: when it ended, or now.
  get end() {
    return Math.max(1, this.ended ?? Date.now() - this.skew - this.began);
  }

  // In the order of the deployment; started targets come first, by the wave that started them.
  sort() {
    const rows = [...this.targets.values()].sort((a, b) => a.position - b.position);
    let wave = 1;
    for (const each of rows) {
      wave = Math.max(wave, each.wave);
      each.group = each.started === null ? Infinity : each.wave || wave;
    }
    this.rows = rows.sort((a, b) => (a.group === b.group ? a.position - b.position : a.group - b.group));
    this.longest = rows.reduce((longest, each) => (each.name.length > longest.length ? each.name : longest), "");
    this.groups = [];
    this.rows.forEach((each, index) => {
      each.row = index;
      if (this.groups.at(-1)?.wave !== each.group) this.groups.push({ wave: each.group, first: index });
    });
  }

  named(name) {
    return this.rows.some((each) => each.name === name);
  }

  countsAt(at) {
    const counts = Object.fromEntries(STATES.map((state) => [state, 0]));
    for (const each of this.rows) counts[stateAt(each, at)] += 1;
    return counts;
  }
}

export function stateAt(target, at) {
  if (target.done !== null && at >= target.done) return target.state;
  const begun = firstStarted(target);
  return begun !== null && at >= begun ? "updating" : "pending";
}

export function firstStarted(target) {
  return target.earlier[0] ?? target.started;
}

function decoded(row, data) {
  const [id, position, name, state, wave, started, done, attempt, from, to, reason, message, earlier] = row;
  const text = (index) => data.texts[index];
  return {
    id, position, name, wave, started, done, attempt, message, earlier,
    state: data.states[state], from: text(from), to: text(to), reason: text(reason),
  };
}

// A target whose update started once more while we looked on: its earlier starts are the ones known before.
function earlierOf(known, target) {
  if (target.attempt <= known.attempt || known.started === null) return known.earlier;
  return [...known.earlier, known.started];
}
