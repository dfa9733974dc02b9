// The stream of events, once for the whole page. Each event is passed on as a DOM event "dides:event" on the document;
// "dides:connected" says that the stream has begun (again): whatever may have been missed is to be asked for anew.
//
// A browser gives up on a stream that is answered with an error, and it does not notice a peer that fell silent. Both are
// seen to here: the server says something every 15 seconds, and a stream that says nothing for longer is begun anew.
// A page that nobody sees has no stream: browsers open only six connections to one address.
import { base } from "./base.js";

const SILENCE_MS = 35_000;
const RETRY_MS = 2_000;
let source = null;
let heardAt = 0;
let retry = 0;

export function follow() {
  open();
  setInterval(() => {
    if (source && Date.now() - heardAt > SILENCE_MS) again();
  }, 5_000);
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  window.addEventListener("pagehide", close);
}

function open() {
  close();
  source = new EventSource(`${base}/events`);
  heardAt = Date.now();
  source.addEventListener("idle", heard);
  source.onopen = () => {
    heard();
    document.dispatchEvent(new CustomEvent("dides:connected"));
  };
  source.onmessage = (message) => {
    heard();
    document.dispatchEvent(new CustomEvent("dides:event", { detail: JSON.parse(message.data) }));
  };
  source.onerror = () => {
    show("broken", "not connected");
    if (source.readyState === EventSource.CLOSED) {
      again();
      leaveIfSignedOut();
    }
  };
}

function close() {
  clearTimeout(retry);
  if (source) source.close();
  source = null;
}

function again() {
  close();
  show("broken", "not connected");
  retry = setTimeout(open, RETRY_MS);
}

// A stream does not tell with which status it was refused.
async function leaveIfSignedOut() {
  const answer = await fetch(`${base}/events?limit=1`).catch(() => null);
  if (answer && answer.status === 401) location.reload();
}

function heard() {
  heardAt = Date.now();
  show("live", "live");
}

function show(state, said) {
  const stream = document.getElementById("stream");
  if (stream.dataset.state === state) return;
  stream.dataset.state = state;
  stream.querySelector(".said").textContent = said;
  document.getElementById("broken").hidden = state !== "broken";
}
