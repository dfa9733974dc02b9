"""Exit codes, which scripts rely on."""

from enum import IntEnum

from dides.model.deployment import DeploymentStatus
from dides.protocol.messages import Deployment


class ExitCode(IntEnum):
    """How a command ended."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    ABORTED = 3
    REFUSED = 4
    """The coordinator refused, or could not be reached."""
    INTERRUPTED = 130


def exit_code_of(deployment: Deployment) -> ExitCode:
    """Return the exit code that tells how a deployment ended; one that is still in flight has done as it was asked."""
    match deployment.status:
        case DeploymentStatus.FAILED:
            return ExitCode.FAILED
        case DeploymentStatus.ABORTED:
            return ExitCode.ABORTED
        case _:
            return ExitCode.DONE
