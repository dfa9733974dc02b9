// Asks the coordinator for the fleet: for everything when what is wanted changes, and else for what has changed only.
import { base } from "../base.js";
import { take } from "../pieces.js";

const DEBOUNCE_MS = 250;
const RETRY_MS = 2_000;
const MOST_NAMES = 200;
const TOO_MANY = 2_000; // With so many changes to ask for, everything is cheaper.

export class Feed {
  #receiver;
  #wanted = { selector: "", group: "" }; // the last ones that were understood
  #next = null; // what to ask for with everything, else null
  #names = new Set();
  #timer = 0;
  #asking = null;

  // `receiver` has all(answer), some(answer, names), wrong(text) for a selector, and failed(text).
  constructor(receiver) {
    this.#receiver = receiver;
  }

  // Everything, for a selector and a label that are new, or are as they were.
  all(wanted = this.#next ?? this.#wanted) {
    this.#next = wanted;
    this.#asking?.abort();
    this.#asking = null;
    this.#soon(0);
  }

  changed(name) {
    this.#names.add(name);
    if (this.#names.size > TOO_MANY) this.#next ??= this.#wanted;
    this.#soon(DEBOUNCE_MS);
  }

  #soon(milliseconds) {
    if (this.#asking) return; // It goes on by itself.
    if (this.#timer && milliseconds > 0) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), milliseconds);
  }

  async #ask() {
    this.#timer = 0;
    const asking = (this.#asking = new AbortController());
    const next = this.#next;
    const covered = [...this.#names]; // by an answer with everything
    const names = next ? null : take(this.#names, MOST_NAMES);
    let pause = DEBOUNCE_MS;
    try {
      const whole = await this.#answered(next ?? this.#wanted, names, asking);
      if (whole) covered.forEach((name) => this.#names.delete(name));
    } catch (error) {
      if (asking.signal.aborted) return;
      this.#receiver.failed(`The coordinator did not answer (${error.message}). Trying again …`);
      this.#next ??= this.#wanted;
      pause = RETRY_MS;
    }
    if (this.#asking !== asking) return;
    this.#asking = null;
    if (this.#next || this.#names.size) this.#soon(pause);
  }

  // Ask, and pass the answer on; return whether it has everything.
  async #answered(wanted, names, asking) {
    const query = new URLSearchParams(names ? { ...wanted, names: names.join(",") } : wanted);
    const response = await fetch(`${base}/ui/fleet.json?${query}`, { signal: asking.signal });
    if (response.status === 401) location.reload();
    if (!response.ok && response.status !== 422) throw new Error(response.statusText || response.status);
    const answer = await response.json();
    if (asking.signal.aborted) return false;
    if (names) return this.#receiver.some(answer, names);
    if (this.#next === wanted) this.#next = null;
    if (!response.ok) return this.#receiver.wrong(answer.errors?.map((each) => each.message).join("; ") ?? answer.detail);
    this.#wanted = wanted;
    this.#receiver.all(answer);
    return true;
  }
}
