// Which version has which mark. A version keeps its mark for as long as an instance runs it, so that a rollout is seen
// as one mark that gives way to another. The most frequent one has the quietest mark.
import { NONE, OTHER } from "./marks.js";

const naturally = new Intl.Collator(undefined, { numeric: true }).compare;

export class Versions {
  #marks = new Map();

  of(version) {
    return version === "" ? NONE : (this.#marks.get(version) ?? OTHER);
  }

  // Give the marks that are free to the most frequent of the versions without one; `counts` has how often each is run.
  // Return whether any version has another mark now.
  settle(counts) {
    const before = [...this.#marks].join();
    for (const version of this.#marks.keys()) if (!counts.has(version)) this.#marks.delete(version);
    const taken = new Set(this.#marks.values());
    const free = [0, 1, 2, 3].filter((mark) => !taken.has(mark));
    const without = [...counts.keys()].filter((version) => version !== "" && !this.#marks.has(version));
    without.sort((one, other) => counts.get(other) - counts.get(one) || naturally(one, other));
    without.slice(0, free.length).forEach((version, place) => this.#marks.set(version, free[place]));
    return before !== [...this.#marks].join();
  }

  // The versions as a legend has them: those with marks, then the others by how often they are run.
  inOrder(counts) {
    const order = (one, other) => this.of(one) - this.of(other) || counts.get(other) - counts.get(one) || naturally(one, other);
    return [...counts.keys()].sort(order);
  }
}
