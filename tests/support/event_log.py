"""What the event log says of a rollout."""

from collections.abc import Iterable

from dides.protocol.messages import Event


def most_updating(events: Iterable[Event]) -> int:
    """Return how many targets were updating at once at the most, by the event log."""
    updating: set[str | None] = set()
    most = 0
    for event in events:
        if event.kind == "target.assigned":
            updating.add(event.instance)
        elif event.kind in ("target.succeeded", "target.failed", "target.skipped"):
            updating.discard(event.instance)
        most = max(most, len(updating))
    assert most > 0
    return most
