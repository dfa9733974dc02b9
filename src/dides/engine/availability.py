"""`max_unavailable`: how many matched instances may be updating or not HEALTHY at once.

One that is not HEALTHY already may be updated without raising the count. What the coordinator keeps is the count alone;
these functions say what changes it.
"""

from dides.model.deployment import Deployment, Target, TargetState
from dides.model.plan import Candidate
from dides.model.policy import Policy, count_of
from dides.model.state import Status


def max_unavailable_of(policy: Policy, matched: int) -> int | None:
    """Return how many of so many matched instances may be unavailable at once; None: any number."""
    return None if policy.max_unavailable is None else count_of(policy.max_unavailable, matched)


def is_unavailable(state: TargetState, status: Status) -> bool:
    """Tell whether a target counts: it is updating, or its instance is not HEALTHY."""
    return state is TargetState.UPDATING or status is not Status.HEALTHY


def change_at_report(target: Target, before: Status, after: Status) -> int:
    """Return by how much the count changes when a target's instance reports, or falls silent: -1, 0 or 1."""
    return is_unavailable(target.state, after) - is_unavailable(target.state, before)


def change_at_settling(target: Target) -> int:
    """Return by how much the count changes when a verdict is given on a target: -1 or 0."""
    return -1 if target.state is TargetState.UPDATING and target.status is Status.HEALTHY else 0


def room(deployment: Deployment) -> int | None:
    """Return how many HEALTHY instances may be told now; None: any number."""
    if deployment.max_unavailable is None:
        return None
    return max(0, deployment.max_unavailable - deployment.counts.unavailable)


def needs_room(candidate: Candidate) -> bool:
    """Tell whether assigning a candidate makes one more unavailable."""
    return candidate.instance.status is Status.HEALTHY
