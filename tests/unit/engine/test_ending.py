"""When a deployment has ended by itself, and how."""

import pytest

from dides.engine.ending import conclude, nothing_left
from dides.model.deployment import DeploymentStatus, Wave
from dides.model.policy import Policy
from support.builders import counts, deployment, rollback

COMPLETED, FAILED = DeploymentStatus.COMPLETED, DeploymentStatus.FAILED


@pytest.mark.parametrize(
    ("states", "nothing"),
    [
        ({"succeeded": 2, "failed": 1, "skipped": 1}, True),
        ({"succeeded": 2, "pending": 2, "deferred": 2}, True),
        ({}, True),
        ({"succeeded": 2, "updating": 1}, False),
        ({"succeeded": 2, "pending": 1}, False),
        ({"succeeded": 2, "pending": 2, "deferred": 1}, False),
        ({"pending": 2, "deferred": 2, "updating": 1}, False),
    ],
)
def test_nothing_is_left_once_none_is_updating_and_only_unreachable_ones_are_pending(
    states: dict[str, int], nothing: bool
) -> None:
    assert nothing_left(deployment(counts=counts(**states))) is nothing


def test_before_the_last_wave_unreachable_ones_are_left() -> None:
    first = deployment(waves=(1, 6), counts=counts(succeeded=1, pending=5, deferred=5))
    assert not nothing_left(first)
    assert nothing_left(deployment(waves=(1, 6), counts=counts(succeeded=1)))


@pytest.mark.parametrize(
    ("states", "status", "reason"),
    [
        ({"succeeded": 3}, COMPLETED, "3 of 3 at the target"),
        ({"succeeded": 2, "skipped": 1, "already": 1}, COMPLETED, "3 of 3 at the target"),
        ({"skipped": 2, "already": 2}, COMPLETED, "2 of 2 at the target"),
        ({"succeeded": 9_999, "failed": 1}, COMPLETED, "9,999 of 10,000 at the target, 1 failed"),
        (
            {"succeeded": 9_000, "skipped": 1_000, "already": 1_000, "silent": 1, "degraded": 1},
            COMPLETED,
            "9,998 of 10,000 at the target, 1 silent since, 1 degraded since",
        ),
        ({"succeeded": 2, "failed": 1}, COMPLETED, "2 of 3 at the target, 1 failed"),
        ({"succeeded": 2, "pending": 1, "deferred": 1}, COMPLETED, "2 of 3 at the target, 1 unreachable"),
        ({"pending": 3, "deferred": 3}, FAILED, "no target reachable"),
        ({"failed": 2, "pending": 1, "deferred": 1}, FAILED, "no target succeeded: none of the 2 targets that started"),
        ({"failed": 2, "skipped": 1, "already": 1}, FAILED, "no target succeeded: none of the 2 targets that started"),
        ({}, FAILED, "no target left"),
    ],
)
def test_a_deployment_fails_only_if_no_target_succeeded_or_was_already_there(
    states: dict[str, int], status: DeploymentStatus, reason: str
) -> None:
    ending = conclude(deployment(counts=counts(**states), wave=Wave(succeeded=states.get("succeeded", 0))))
    assert ending.status is status
    assert ending.reason.startswith(reason)
    assert not ending.stop


def test_a_deployment_in_which_none_succeeded_and_some_failed_is_rolled_back_whatever_the_threshold() -> None:
    failed, untouched = counts(failed=2), counts(pending=2, deferred=2)
    assert conclude(deployment(threshold=5, counts=failed)).rollback
    assert not conclude(deployment(threshold=5, counts=failed, policy=Policy(auto_rollback=False))).rollback
    mixed = deployment(threshold=5, counts=counts(failed=2, succeeded=1), wave=Wave(succeeded=1))
    assert not conclude(mixed).rollback
    assert not conclude(deployment(counts=untouched)).rollback, "nothing was touched"


@pytest.mark.parametrize(
    ("states", "status", "reason"),
    [
        ({"succeeded": 2}, COMPLETED, "2 of 2 instances restored"),
        ({"succeeded": 2, "failed": 1}, FAILED, "2 of 3 instances restored, 1 failed"),
        ({"succeeded": 1, "pending": 1, "deferred": 1}, COMPLETED, "1 of 2 instances restored, 1 unreachable"),
        ({"pending": 2, "deferred": 2}, FAILED, "0 of 2 instances restored, 2 unreachable"),
        ({"skipped": 2}, COMPLETED, "nothing to return to: no earlier version is known of 2 instances"),
        ({"succeeded": 1, "skipped": 1}, COMPLETED, "1 of 2 instances restored, 1 with nothing to return to"),
        (
            {"succeeded": 3, "silent": 1, "degraded": 1},
            COMPLETED,
            "1 of 3 instances restored, 1 silent since, 1 degraded since",
        ),
        ({}, COMPLETED, "0 of 0 instances restored"),
    ],
)
def test_failures_in_a_rollback_are_recorded_and_told_at_its_end(
    states: dict[str, int], status: DeploymentStatus, reason: str
) -> None:
    ending = conclude(rollback(counts=counts(**states)))
    assert (ending.status, ending.reason) == (status, reason)
