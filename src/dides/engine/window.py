"""How many targets may be updating at once, and what holds a deployment back."""

from dides.model.deployment import Counts, Deployment, DeploymentStatus
from dides.model.policy import Amount, count_of


def window_of(amount: Amount, matched: int) -> int:
    """Return how many targets may be updating at once in a deployment over so many matched instances."""
    return count_of(amount, matched)


def free_slots(deployment: Deployment, counts: Counts) -> int:
    """Return how many more targets may be told now; the window is the smallest of its caps."""
    if deployment.status is not DeploymentStatus.RUNNING:
        return 0
    return max(0, min(caps(deployment).values()) - counts.updating)


def caps(deployment: Deployment) -> dict[str, int]:
    """Return each limit on the number of updating targets, under the name of the setting that makes it."""
    return {"batch_size": deployment.window}


def held_by(deployment: Deployment) -> str | None:
    """Return the name of what keeps the next pending target from being told now, or None when nothing does."""
    counts = deployment.counts
    if deployment.status is DeploymentStatus.PAUSED:
        return "paused"
    if not deployment.in_flight or counts.pending == counts.deferred or free_slots(deployment, counts):
        return None
    return min(caps(deployment).items(), key=lambda cap: cap[1])[0]


def may_examine(deployment: Deployment, verdicts_due: int) -> int:
    """Return how many pending targets one step may look at, when up to `verdicts_due` slots may come free in it.

    The bound keeps a step's cost apart from the size of the fleet. A candidate that is told takes a slot; others
    (already at the target, unreachable) take none. So a step looks at more than it has slots for, at many more once
    targets of this deployment have been passed over, and asks to run again when that was not enough.
    """
    counts = deployment.counts
    slots = free_slots(deployment, counts) + verdicts_due
    if deployment.status is not DeploymentStatus.RUNNING or slots == 0 or counts.pending == counts.deferred:
        return 0
    passed_over = counts.skipped + counts.deferred
    return 4 * slots + (64 if passed_over else 0)
