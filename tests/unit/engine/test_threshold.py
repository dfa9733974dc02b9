"""When failures stop a deployment."""

import pytest

from dides.engine.threshold import threshold_of, trips, why_tripped
from dides.model.policy import Amount
from support.builders import counts, deployment, rollback


@pytest.mark.parametrize(("failed", "trip"), [(0, False), (1, False), (2, True), (3, True)])
def test_a_deployment_trips_once_the_failures_reach_the_threshold(failed: int, trip: bool) -> None:
    assert trips(deployment(threshold=2), counts(failed=failed, pending=5)) is trip


def test_failures_in_a_rollback_do_not_stop_it() -> None:
    assert not trips(rollback(threshold=1), counts(failed=5))


@pytest.mark.parametrize(
    ("amount", "matched", "threshold"), [(3, 10, 3), (1, 1, 1), (20, 10, 20), ("10%", 21, 3), ("1%", 5, 1)]
)
def test_a_percentage_threshold_is_of_the_matched_targets_rounded_up(
    amount: Amount, matched: int, threshold: int
) -> None:
    assert threshold_of(amount, matched) == threshold


@pytest.mark.parametrize(("failed", "words"), [(1, "1 target failed (threshold 1)"), (2, "2 targets failed (")])
def test_the_reason_of_a_trip_says_how_many_failed_and_where_to_look(failed: int, words: str) -> None:
    reason = why_tripped(deployment(threshold=1), counts(failed=failed))
    assert words in reason
    assert "messages" in reason
