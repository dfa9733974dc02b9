"""When a deployment has ended by itself, and how."""

import msgspec

from dides.engine.waves import has_no_success, is_last, only_deferred, why_no_success
from dides.model.deployment import Counts, Deployment, DeploymentStatus, Kind, Timers
from dides.model.plan import Ending

UNREACHABLE = "unreachable"


def nothing_left(deployment: Deployment) -> bool:
    """Tell whether no target is updating or pending; in the last wave those put off as unreachable do not count."""
    counts = deployment.counts
    return counts.updating == 0 and (counts.pending == 0 or (is_last(deployment) and only_deferred(deployment)))


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
        outage=None,
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
    return Ending(status=status, reason=_rollback_summary(counts))


def _rollback_summary(counts: Counts) -> str:
    if counts.total and counts.skipped == counts.total:
        return f"nothing to return to: no earlier version is known of {_instances(counts.total)}"
    reason = _summary(counts, f"{_noun(counts.total)} restored")
    if counts.skipped:
        reason += f", {counts.skipped} with nothing to return to"
    return reason


def _instances(number: int) -> str:
    return f"{number:,} {_noun(number)}"


def _noun(number: int) -> str:
    return "instance" if number == 1 else "instances"


def _why_none(counts: Counts) -> str:
    if counts.total == 0:
        return "no target left: every one was decommissioned"
    if counts.failed:
        return f"no target is at the target any more: {_summary(counts, 'at the target')}"
    return "no target reachable: check that the agents run and reach the coordinator"


def _summary(counts: Counts, done: str) -> str:
    others = (
        (counts.failed, "failed"),
        (counts.silent, "silent since"),
        (counts.degraded, "degraded since"),
        (counts.deferred, "unreachable"),
    )
    parts = [f"{counts.at_target:,} of {counts.total:,} {done}"]
    return ", ".join(parts + [f"{number:,} {what}" for number, what in others if number])
