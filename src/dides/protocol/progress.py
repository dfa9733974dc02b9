"""How far a deployment is, as the CLI and the dashboard count it."""

from dides.model.deployment import DeploymentStatus
from dides.protocol.messages import Progress

STOPPED = frozenset({DeploymentStatus.FAILED, DeploymentStatus.ABORTED})


def done(progress: Progress, status: DeploymentStatus) -> int:
    """Return how many targets are dealt with; those that a stopped deployment skipped are not."""
    skipped = 0 if status in STOPPED else progress.skipped
    return progress.succeeded + progress.failed + skipped
