"""`retries`: a failed attempt is repeated after a backoff, and counts as failed once, after the last attempt.

The target keeps its slot meanwhile. Silence is not retried: a machine that is gone does not answer the second time.
Two agents that report as one instance are not retried either: they would still be two.
"""

from dides.model.deployment import Deployment, DeploymentStatus, Target, TargetState
from dides.model.plan import Postponed, Reassignment, Settled
from dides.model.state import Status

FIRST_BACKOFF_MS = 5_000
LONGEST_BACKOFF_MS = 300_000


def backoff_ms(attempt: int) -> int:
    """Return how long to wait after a failed attempt (from 1): 5 s, then twice as long each time, up to 5 minutes."""
    doublings = min(attempt - 1, 10)
    return min(FIRST_BACKOFF_MS << doublings, LONGEST_BACKOFF_MS)


def postponed(deployment: Deployment, verdict: Settled, now: int) -> Postponed | None:
    """Return the further attempt that follows a verdict, or None when the verdict stands.

    In a pause the time of the pause's beginning counts, because every timer is moved by the pause's length at its end.
    """
    target = verdict.target
    if verdict.state is not TargetState.FAILED or target.state is not TargetState.UPDATING or not target.reachable:
        return None
    if target.attempt > deployment.policy.retries or now < target.duplicated_until:
        return None
    began = now if deployment.paused_at is None else min(now, deployment.paused_at)
    reason = f"attempt {target.attempt} of {deployment.policy.retries + 1} failed: {verdict.reason}"
    return Postponed(target=target, retry_at=began + backoff_ms(target.attempt), reason=reason, message=verdict.message)


def reassigned(deployment: Deployment, target: Target, now: int) -> Reassignment | None:
    """Return the next attempt of a target, when its time has come and updates may start."""
    if target.retry_at is None or now < target.retry_at or deployment.status is not DeploymentStatus.RUNNING:
        return None
    return Reassignment(
        target=target,
        deadline_at=now + deployment.policy.update_timeout_ms,
        failure_is_news=target.status is not Status.FAILED,
    )
