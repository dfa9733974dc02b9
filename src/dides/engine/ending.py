"""When a deployment has ended by itself, and how."""

import msgspec

from dides.engine.waves import has_no_success, why_no_success
from dides.model.deployment import Counts, Deployment, DeploymentStatus, Kind, Timers
from dides.model.plan import Ending

UNREACHABLE = "unreachable"


def nothing_left(counts: Counts) -> bool:
    """Tell whether no target is updating, and none is pending but those put off as unreachable."""
    return counts.updating == 0 and counts.pending == counts.deferred


def ended(deployment: Deployment, ending: Ending, now: int) -> Deployment:
    """Return a deployment as its ending leaves it; one that stops it leaves no target unfinished."""
    counts = deployment.counts.stopped() if ending.stop else deployment.counts
    return msgspec.structs.replace(
        deployment,
        counts=counts,
        status=ending.status,
        reason=ending.reason,
        finished_at=now,
        paused_at=None,
        timers=Timers(),
        blocked_by=None,
    )


def conclude(deployment: Deployment) -> Ending:
    """Return how a deployment ends of which nothing is left but `counts.deferred` unreachable targets."""
    counts = deployment.counts
    if deployment.kind is Kind.ROLLBACK:
        return _conclude_rollback(counts)
    if has_no_success(deployment):
        # The last wave is over without a success in it: that is a trip, whatever the threshold.
        reason = f"{why_no_success(deployment)} ({_summary(counts, 'at the target')})"
        return Ending(status=DeploymentStatus.FAILED, reason=reason, rollback=deployment.policy.auto_rollback)
    if counts.succeeded + counts.already == 0:
        rollback = deployment.policy.auto_rollback and counts.touched > 0
        return Ending(status=DeploymentStatus.FAILED, reason=_why_none(counts), rollback=rollback)
    return Ending(status=DeploymentStatus.COMPLETED, reason=_summary(counts, "at the target"))


def _conclude_rollback(counts: Counts) -> Ending:
    stranded = counts.succeeded == 0 and counts.deferred > 0
    status = DeploymentStatus.FAILED if counts.failed or stranded else DeploymentStatus.COMPLETED
    reason = _summary(counts, "returned to what they had")
    if counts.skipped:
        reason += f", {counts.skipped} had nothing known to return to"
    return Ending(status=status, reason=reason)


def _why_none(counts: Counts) -> str:
    if counts.total == 0:
        return "no target left: every one was decommissioned"
    if counts.failed:
        return f"no target is at the target any more: {_summary(counts, 'at the target')}"
    return "no target reachable: check that the agents run and reach the coordinator"


def _summary(counts: Counts, done: str) -> str:
    parts = [f"{counts.succeeded + counts.already} of {counts.total} {done}"]
    if counts.failed:
        parts.append(f"{counts.failed} failed")
    if counts.deferred:
        parts.append(f"{counts.deferred} unreachable")
    return ", ".join(parts)
