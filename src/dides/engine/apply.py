"""What a step's plan, or the end of a deployment, makes of a target. Moments are milliseconds."""

from msgspec.structs import replace

from dides.model.deployment import Target, TargetState
from dides.model.plan import Assignment, Postponed, Reassignment, Settled
from dides.model.state import NOTHING


def settled(target: Target, change: Settled, now: int) -> Target:
    """Return the target in its final state."""
    return replace(
        target,
        state=change.state,
        reason=change.reason,
        message=change.message,
        finished_at=now,
        lapse=change.lapse,
        deadline_at=change.deadline_at,
        healthy_at=None,
        retry_at=None,
    )


def skipped(target: Target, reason: str, now: int) -> Target:
    """Return a pending target that will not be told any more."""
    return replace(target, state=TargetState.SKIPPED, reason=reason, finished_at=now)


def assigned(target: Target, change: Assignment, generation: int, now: int) -> Target:
    """Return the target as told, under its instance's new generation."""
    return replace(
        target,
        state=change.state,
        reason=change.reason,
        to=change.desired or NOTHING,
        before=change.before,
        last_good=change.last_good,
        earlier=change.earlier,
        generation=generation,
        attempt=target.attempt + 1,
        assigned_at=now,
        deadline_at=change.deadline_at,
        finished_at=None if change.state is TargetState.UPDATING else now,
        wave=change.wave,
        already=change.already,
        failure_is_news=change.failure_is_news,
        report=None,
    )


def postponed(target: Target, change: Postponed) -> Target:
    """Return an updating target that waits for its next attempt."""
    return replace(
        target,
        deadline_at=None,
        healthy_at=None,
        retry_at=change.retry_at,
        reason=change.reason,
        message=change.message,
    )


def reassigned(target: Target, change: Reassignment, generation: int, now: int) -> Target:
    """Return an updating target as told once more."""
    return replace(
        target,
        generation=generation,
        attempt=target.attempt + 1,
        assigned_at=now,
        deadline_at=change.deadline_at,
        healthy_at=None,
        retry_at=None,
        has_read=target.has_read or target.report is not None,
        failure_is_news=change.failure_is_news,
        report=None,
    )
