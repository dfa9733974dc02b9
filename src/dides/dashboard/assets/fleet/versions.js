// Which version has which mark. The coordinator gives the marks out, so that a version looks the same in every window.
import { NONE, OTHER } from "./marks.js";

const naturally = new Intl.Collator(undefined, { numeric: true }).compare;

export class Versions {
  #marks = new Map();

  of(version) {
    return version === "" ? NONE : (this.#marks.get(version) ?? OTHER);
  }

  // Take up the marks of an answer; return whether any version has another one now.
  learn(marks) {
    const now = new Map(Object.entries(marks));
    const before = this.#marks;
    this.#marks = now;
    return now.size !== before.size || [...now].some(([version, mark]) => before.get(version) !== mark);
  }

  // The versions as a legend has them: those with marks, then the others by how often they are run.
  inOrder(counts) {
    const order = (one, other) => this.of(one) - this.of(other) || counts.get(other) - counts.get(one) || naturally(one, other);
    return [...counts.keys()].sort(order);
  }
}
