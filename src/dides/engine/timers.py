"""What stands still in a pause and while no coordinator runs: timers are moved by as long as that lasted."""

import msgspec

from dides.model.deployment import Target, Timers


def moved_target(target: Target, by: int, at_least: int = 0) -> Target:
    """Return a target with its timeout and its next attempt later by `by` ms, and not before a moment."""
    return msgspec.structs.replace(
        target,
        deadline_at=_later(target.deadline_at, by, at_least),
        retry_at=_later(target.retry_at, by, at_least),
    )


def moved_hold(target: Target, by: int, at_least: int) -> Target:
    """Return an updating target whose `min_healthy_time` is over later by `by` ms.

    It runs on in a pause, but not while no coordinator could have heard that the instance was HEALTHY no longer.
    """
    return msgspec.structs.replace(target, healthy_at=_later(target.healthy_at, by, at_least))


def assigned_no_later(target: Target, now: int) -> Target:
    """Return an updating target with an assignment no later than `now` (ms).

    A clock that was set back would else hide every report since the assignment.
    """
    return msgspec.structs.replace(
        target, assigned_at=None if target.assigned_at is None else min(target.assigned_at, now)
    )


def moved(timers: Timers, by: int, at_least: int = 0) -> Timers:
    """Return a deployment's timers later by `by` ms, and not before a moment."""
    return Timers(
        deadline_at=_later(timers.deadline_at, by, at_least),
        soaked_at=_later(timers.soaked_at, by, at_least),
        blocked_until=_later(timers.blocked_until, by, at_least),
        health_until=_later(timers.health_until, by, at_least),
        waiting_since=_later(timers.waiting_since, by, 0),
    )


def _later(moment: int | None, by: int, at_least: int) -> int | None:
    return None if moment is None else max(moment + by, at_least)
