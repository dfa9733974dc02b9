"""When failures stop a deployment."""

from dides.engine.verdict import Time
from dides.engine.waves import open_size
from dides.model.deployment import Deployment
from dides.model.policy import count_of


def threshold_reached(deployment: Deployment, _: Time) -> str | None:
    """Stop when `failed` has reached `failure_threshold`."""
    failed, threshold = deployment.counts.failed, threshold_of(deployment)
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
    1, and 5 in the last wave of 50.
    """
    return count_of(deployment.policy.failure_threshold, open_size(deployment))
