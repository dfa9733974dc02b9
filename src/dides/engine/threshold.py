"""When failures stop a deployment."""

from dides.model.deployment import Counts, Deployment, Kind
from dides.model.policy import Amount, count_of


def trips(deployment: Deployment, counts: Counts) -> bool:
    """Tell whether the failures have reached the threshold. Failures in a rollback do not stop it."""
    return deployment.kind is Kind.DEPLOY and counts.failed >= deployment.threshold


def threshold_of(amount: Amount, matched: int) -> int:
    """Return the number of failures that trips a deployment over so many matched instances."""
    return count_of(amount, matched)


def why_tripped(deployment: Deployment, counts: Counts) -> str:
    """Return the reason of a deployment that has tripped."""
    noun = "target" if counts.failed == 1 else "targets"
    return (
        f"failure threshold reached: {counts.failed} {noun} failed (threshold {deployment.threshold}); "
        "see the messages of the failed targets"
    )
