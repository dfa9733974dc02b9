// What every page has: the stream of events, moments in the reader's zone, and dialogs.
import { follow } from "./live.js";
import { localise } from "./moments.js";
import { openDialogs } from "./dialogs.js";

localise(document);
document.addEventListener("htmx:afterSettle", (event) => localise(event.target));
openDialogs();
if (document.getElementById("stream")) follow();
