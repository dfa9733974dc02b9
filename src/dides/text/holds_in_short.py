"""What holds a deployment, in a few words, by the hold's name on the wire. `hold_reasons` says it in full.

This file imports no engine, so that the command line starts without one.
"""

IN_SHORT = {
    "batch_size": "batch_size instances are updating",
    "wave": "the rest of this wave is still updating",
    "promote": "wave complete, waiting for approval: dides promote",
    "soak": "wave complete, soaking before the next one",
    "health": "wave complete, but not all of it is HEALTHY at the target; to go on all the same: dides promote",
    "max_unavailable": "max_unavailable reached: that many are updating or not healthy",
    "spread_by": "the next instances wait for others with their label value (spread_by)",
    "paused": "paused; dides resume goes on",
    "outage": "most instances fell silent at once, which no version does; dides resume goes on all the same",
}
"""Each hold by its name on the wire."""


def in_short(held_by: str | None) -> str:
    """Return a hold in a few words: the name of a hold that only a newer coordinator knows, "" for no hold."""
    return IN_SHORT.get(held_by, held_by) if held_by else ""
