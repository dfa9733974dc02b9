"""The whole fleet stays under the limit, and nobody is late who keeps to the interval that it was told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dides.engine.pacing import Pace, allowed_silence, pace_of


@pytest.mark.parametrize(
    ("reachable", "interval", "time_to_live"),
    [(0, 10, 30), (1, 10, 30), (100_000, 10, 30), (200_000, 20, 60), (1_000_000, 100, 300)],
)
def test_the_interval_stretches_with_the_fleet_and_the_time_to_live_with_it(
    reachable: int, interval: float, time_to_live: float
) -> None:
    pace = pace_of(reachable, 0, interval=10, time_to_live=30, most=10_000)
    assert (pace.interval, pace.time_to_live) == (interval, time_to_live)


@given(st.integers(0, 10**7), st.floats(0, 1), st.floats(0.05, 3600), st.floats(1.01, 10), st.floats(1, 10**6))
def test_the_fleet_stays_under_the_limit(
    reachable: int, share: float, interval: float, factor: float, most: float
) -> None:
    awaited = int(reachable * share)
    pace = pace_of(reachable, awaited, interval=interval, time_to_live=interval * factor, most=most)
    assert pace.interval >= interval - 0.001
    assert pace.updating <= pace.interval + 0.001
    if pace.updating > 0.1:  # Or rounding to milliseconds tells.
        assert (reachable - awaited) / pace.interval + awaited / pace.updating <= most * 1.03
    assert pace.time_to_live / pace.interval == pytest.approx(factor, rel=0.03)


@pytest.mark.parametrize(("interval", "updating"), [(10, 5), (2, 1), (1.5, 1), (1, 1), (0.2, 0.2)])
def test_one_that_is_updated_reports_twice_as_often_whatever_the_fleet(interval: float, updating: float) -> None:
    for reachable in (1, 10_000_000):
        assert pace_of(reachable, 1, interval=interval, time_to_live=30, most=100).updating == updating


def test_one_is_held_to_the_interval_that_it_was_told() -> None:
    large, small = (Pace(interval=each, updating=5, time_to_live=each * 3) for each in (100, 10))
    assert allowed_silence(small, large) == allowed_silence(large, small) == 300
