"""What a trip or an abort does to the targets that were not finished."""

from collections.abc import Iterable

from dides.model.deployment import Target, TargetState
from dides.model.plan import Restoration, Settled

NOT_STARTED = "not started"
STOPPED = "stopped while updating"


def stop(updating: Iterable[Target]) -> tuple[tuple[Settled, ...], tuple[Restoration, ...]]:
    """Return the end of each updating target, and who gets its earlier desired state back."""
    targets = tuple(updating)
    stopped = tuple(Settled(target=each, state=TargetState.SKIPPED, reason=STOPPED) for each in targets)
    unread = tuple(Restoration(target=each, desired=each.earlier) for each in targets if not known_to_have_read(each))
    return stopped, unread


def known_to_have_read(target: Target) -> bool:
    """Tell whether the instance is known to have been given its new state: a heartbeat counted since the assignment.

    One with `observed` says so itself; one without has been answered with the new state. What an earlier attempt told
    it was the same state.
    """
    return target.report is not None or target.has_read
