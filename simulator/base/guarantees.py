"""What is noticed beside the tables: by the disk, by whoever keeps the promises, and by the clock of the loops."""

from collections.abc import Callable

import msgspec


class Guarantee(msgspec.Struct, frozen=True):
    """A property that no single change of the tables shows."""

    name: str
    sentence: str
    """What it promises."""


Problem = Callable[[Guarantee, str], None]
"""Takes a guarantee that does not hold, and what was the case instead."""

NOTHING_BREAKS = Guarantee("nothing_breaks", "No unit of work fails, and no task of a coordinator ends with an error.")
"""For crashes only: a rule that is broken needs a property of its own."""
LOOPS_REST = Guarantee("loops_rest", "A coordinator takes a step only when one is due: no loop turns without a pause.")
READS_WRITE_NOTHING = Guarantee("reads_write_nothing", "A unit of work that only reads writes nothing.")
CRASHES_LOSE_NOTHING = Guarantee(
    "crashes_lose_nothing",
    "After a crash the store holds whole transactions: all that were committed, and nothing of the one that was not.",
)
HEARTBEATS_ARE_STORED = Guarantee(
    "heartbeats_are_stored", "An acknowledged heartbeat is stored, or says what is stored, or came late."
)
UNCHANGED_ONES_ARE_TRUE = Guarantee(
    "unchanged_ones_are_true",
    "A heartbeat that one coordinator took for one that changes nothing says what is stored, or is stored soon after.",
)
REFUSALS_ARE_TRUE = Guarantee("refusals_are_true", "A rollback is refused only for what is the case.")
KEYS_TRIGGER_ONCE = Guarantee("keys_trigger_once", "One idempotency key makes one deployment.")
ANSWERS_ARE_CURRENT = Guarantee(
    "answers_are_current",
    "A coordinator that has not heard for two seconds of what others write answers no heartbeat from its memory.",
)
UNDOABLE_ARE_UNDONE = Guarantee(
    "undoable_are_undone",
    "The newest deployment that did anything can be rolled back, also after a rollback of it that was aborted.",
)
