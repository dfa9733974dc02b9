"""What the commands about instances share: statuses by name, and which instances an update is under way on."""

from enum import StrEnum

from dides.client.errors import RefusedError
from dides.client.operator import OperatorClient
from dides.model.deployment import TargetState
from dides.model.state import Status


class StatusName(StrEnum):
    """An instance's status, as people type it."""

    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    FAILED = "failed"

    @property
    def number(self) -> int:
        """The status on the wire."""
        return Status[self.name].value


async def find_updating(client: OperatorClient) -> set[str]:
    """Return the names of the updating targets of the deployment in flight; none when none is. Raises ClientError."""
    try:
        deployment = await client.in_flight()
    except RefusedError as error:
        if error.status == 404:
            return set()
        raise
    return {target.instance async for target in client.targets(deployment.id, state=TargetState.UPDATING)}
