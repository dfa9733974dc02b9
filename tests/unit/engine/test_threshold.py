"""When failures stop a deployment."""

import pytest

from dides.engine.threshold import threshold_of, threshold_reached
from dides.engine.trip import why_tripped
from dides.engine.verdict import Time
from dides.model.deployment import Wave
from dides.model.policy import Amount
from support.builders import NOW, counts, deployment, rollback

TIME = Time(NOW, timeouts_run=True)


@pytest.mark.parametrize(("failed", "trip"), [(0, False), (1, False), (2, True), (3, True)])
def test_a_deployment_trips_once_the_failures_reach_the_threshold(failed: int, trip: bool) -> None:
    assert (
        threshold_reached(deployment(threshold=2, counts=counts(failed=failed, pending=5)), TIME) is not None
    ) is trip


def test_failures_in_a_rollback_do_not_stop_it() -> None:
    assert why_tripped(rollback(threshold=1, counts=counts(failed=5)), TIME) is None


@pytest.mark.parametrize(
    ("amount", "matched", "threshold"), [(3, 10, 3), (1, 1, 1), (20, 10, 20), ("10%", 21, 3), ("1%", 5, 1)]
)
def test_a_percentage_threshold_is_of_the_matched_targets_rounded_up(
    amount: Amount, matched: int, threshold: int
) -> None:
    assert threshold_of(deployment(threshold=amount, waves=(matched,))) == threshold


@pytest.mark.parametrize(("open_wave", "threshold"), [(1, 1), (2, 2), (3, 10)])
def test_with_waves_a_percentage_threshold_is_of_the_open_waves_cumulative_size(open_wave: int, threshold: int) -> None:
    staged = deployment(threshold="10%", waves=(1, 20, 100), wave=Wave(open=open_wave))
    assert threshold_of(staged) == threshold


@pytest.mark.parametrize(("failed", "words"), [(1, "1 target failed (threshold 1)"), (2, "2 targets failed (")])
def test_the_reason_of_a_trip_says_how_many_failed_and_where_to_look(failed: int, words: str) -> None:
    reason = threshold_reached(deployment(threshold=1, counts=counts(failed=failed)), TIME)
    assert reason is not None
    assert words in reason
    assert "messages" in reason
