"""How a deployment ended, as an exit code."""

from dides.cli.display.exits import ExitCode
from dides.model.deployment import DeploymentStatus
from dides.protocol.messages import Deployment


def exit_code_of(deployment: Deployment) -> ExitCode:
    """Return the exit code that tells how a deployment ended; one that is still in flight has done as it was asked."""
    match deployment.status:
        case DeploymentStatus.FAILED:
            return ExitCode.FAILED
        case DeploymentStatus.ABORTED:
            return ExitCode.ABORTED
        case _:
            return ExitCode.DONE
