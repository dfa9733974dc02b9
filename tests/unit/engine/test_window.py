"""How many targets may be updating at once, and what holds a deployment back."""

import pytest

from dides.engine.window import caps, free_slots, held_by, may_examine
from dides.model.deployment import DeploymentStatus
from support.builders import PAUSED, counts, deployment


@pytest.mark.parametrize(("updating", "free"), [(0, 3), (1, 2), (2, 1), (3, 0), (4, 0)])
def test_never_more_than_the_window_is_updating(updating: int, free: int) -> None:
    assert free_slots(deployment(window=3, counts=counts(updating=updating, pending=9))) == free


@pytest.mark.parametrize("status", sorted(set(DeploymentStatus) - {DeploymentStatus.RUNNING}))
def test_only_a_running_deployment_has_free_slots(status: DeploymentStatus) -> None:
    assert free_slots(deployment(status=status, window=3, counts=counts(pending=9))) == 0


def test_the_cap_of_a_deployment_bears_the_name_of_its_setting() -> None:
    assert caps(deployment(window=3)) == {"batch_size": 3}


def test_a_full_window_holds_a_deployment_by_its_batch_size() -> None:
    assert held_by(deployment(window=2, counts=counts(updating=2, pending=1))) == "batch_size"


def test_a_paused_deployment_is_held_by_its_pause() -> None:
    assert held_by(deployment(status=PAUSED, window=2, counts=counts(updating=2, pending=1))) == "paused"


@pytest.mark.parametrize(
    ("why", "states"),
    [
        ("a slot is free", {"pending": 3, "updating": 1}),
        ("nothing is pending", {"updating": 2}),
        ("only unreachable ones are pending", {"pending": 3, "deferred": 3, "updating": 2}),
    ],
)
def test_nothing_holds_a_deployment_when(why: str, states: dict[str, int]) -> None:
    assert held_by(deployment(window=2, counts=counts(**states))) is None, why


def test_nothing_holds_a_deployment_that_has_ended() -> None:
    ended = deployment(status=DeploymentStatus.ABORTED, window=1, counts=counts(updating=1, pending=1))
    assert held_by(ended) is None


@pytest.mark.parametrize(("updating", "due", "slots"), [(0, 0, 5), (3, 0, 2), (5, 2, 2), (4, 1, 2)])
def test_a_step_examines_four_times_the_slots_that_may_be_free(updating: int, due: int, slots: int) -> None:
    large = deployment(window=5, counts=counts(updating=updating, pending=100_000))
    assert may_examine(large, due) == 4 * slots


@pytest.mark.parametrize("passed_over", ["skipped", "deferred"])
def test_a_step_examines_64_more_once_targets_have_been_passed_over(passed_over: str) -> None:
    large = deployment(window=5, counts=counts(pending=100_000, **{passed_over: 1}))
    assert may_examine(large, 0) == 4 * 5 + 64


@pytest.mark.parametrize(
    ("why", "status", "states", "due"),
    [
        ("no slot is free and none may come free", DeploymentStatus.RUNNING, {"updating": 2, "pending": 3}, 0),
        ("only unreachable ones are pending", DeploymentStatus.RUNNING, {"pending": 3, "deferred": 3}, 1),
        ("it is paused", PAUSED, {"pending": 3}, 1),
    ],
)
def test_a_step_examines_none_when(why: str, status: DeploymentStatus, states: dict[str, int], due: int) -> None:
    assert may_examine(deployment(status=status, window=2, counts=counts(**states)), due) == 0, why
