"""When a deployment has ended by itself, and how."""

from dides.model.deployment import Counts, Deployment, DeploymentStatus, Kind
from dides.model.plan import Ending

UNREACHABLE = "unreachable"


def nothing_left(counts: Counts) -> bool:
    """Tell whether no target is updating, and none is pending but those put off as unreachable."""
    return counts.updating == 0 and counts.pending == counts.deferred


def conclude(deployment: Deployment, counts: Counts) -> Ending:
    """Return how a deployment ends of which nothing is left but `counts.deferred` unreachable targets."""
    if deployment.kind is Kind.ROLLBACK:
        return _conclude_rollback(counts)
    if counts.succeeded + counts.already == 0:
        # Nothing succeeded, and something was touched: that is a trip, whatever the threshold.
        rollback = deployment.policy.auto_rollback and counts.failed > 0
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
    if counts.failed == 0:
        return "no target reachable: check that the agents run and reach the coordinator"
    return f"no target succeeded: {_summary(counts, 'at the target')}"


def _summary(counts: Counts, done: str) -> str:
    parts = [f"{counts.succeeded + counts.already} of {counts.total} {done}"]
    if counts.failed:
        parts.append(f"{counts.failed} failed")
    if counts.deferred:
        parts.append(f"{counts.deferred} unreachable")
    return ", ".join(parts)
