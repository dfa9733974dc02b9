"""When an agent applies a state once more that it has applied before: what each assignment says of that.

A target that takes a slot is watched, and one at a time: what its check says now decides whether it is applied again.
One that takes no slot (already at the target, restored, inherited unchanged) must not apply what it has: a check that
fails on many at once would make them all apply it, outside any window. A forced deployment applies it in any case.
"""

from dides.model.deployment import Deployment, TargetState
from dides.model.state import ApplyRule

WITHOUT_A_SLOT = ApplyRule.IF_CHANGED


def apply_rule(deployment: Deployment, state: TargetState = TargetState.UPDATING) -> ApplyRule:
    """Return the rule for a target that a deployment assigns, or retries, in this state."""
    if state is not TargetState.UPDATING:
        return WITHOUT_A_SLOT
    return ApplyRule.ALWAYS if deployment.policy.force else ApplyRule.UNLESS_HEALTHY
