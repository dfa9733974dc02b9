"""What counts as done."""

import pytest

from dides.model.deployment import DeploymentStatus
from dides.protocol.messages import Progress
from dides.protocol.progress import done

PROGRESS = Progress(total=120, pending=0, updating=0, succeeded=34, failed=3, skipped=83)


@pytest.mark.parametrize(
    ("status", "expected"), [("running", 120), ("paused", 120), ("completed", 120), ("failed", 37), ("aborted", 37)]
)
def test_what_a_stopped_deployment_skipped_is_not_done(status: str, expected: int) -> None:
    assert done(PROGRESS, DeploymentStatus(status)) == expected
