"""When failures stop a deployment."""

from dides.engine.verdict import Time
from dides.engine.waves import open_base
from dides.model.deployment import Deployment
from dides.model.policy import count_of


def threshold_reached(deployment: Deployment, _: Time) -> str | None:
    """Stop when `failed` has reached `failure_threshold`."""
    counts, threshold = deployment.counts, threshold_of(deployment)
    failed = counts.failed - counts.joined_failed
    if failed < threshold:
        return None
    noun = "target" if failed == 1 else "targets"
    return (
        f"failure threshold reached: {failed} {noun} failed (threshold {threshold}); "
        "see the messages of the failed targets"
    )


def threshold_of(deployment: Deployment) -> int:
    """Return how many failures stop the deployment now.

    A percentage is of the open wave's cumulative size, so that a bad canary stops the rollout: "10%" is 1 in a wave of
    1, and 5 in the last wave of 50. Instances that were decommissioned before they had finished are in no wave any
    more: "50%" of 10, of which 7 are gone, is 2.
    """
    return count_of(deployment.policy.failure_threshold, open_base(deployment))


def joined_failures_reached(deployment: Deployment) -> bool:
    """Tell whether so many instances that joined after the trigger have failed that no further one is assigned."""
    return deployment.counts.joined_failed >= threshold_of(deployment)
