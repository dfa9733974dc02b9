"""The moments at which one instance reports: drawn once, and kept."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dides.agent.schedule import Rhythm

NOW = 1000.0
SECONDS = st.floats(0.1, 3600)


def make_rhythm(first: float, interval: float = 10.0) -> Rhythm:
    """Return a rhythm whose first moment is `first` seconds away."""

    class Fixed(Random):
        def uniform(self, a: float, b: float) -> float:
            assert (a, b) == (0, interval)
            return first

    return Rhythm(Fixed(), interval, NOW)


def test_the_first_moment_is_anywhere_in_an_interval() -> None:
    lefts = [Rhythm(Random(seed), 10, NOW).left(NOW) for seed in range(200)]
    assert 0 <= min(lefts) < 0.5
    assert 9.5 < max(lefts) <= 10


def test_the_next_moment_is_an_interval_later_whenever_the_report_is_sent() -> None:
    rhythm = make_rhythm(3)
    rhythm.skip(NOW + 3.2, 1)
    assert rhythm.left(NOW + 3.2) == pytest.approx(9.8)


def test_a_report_in_between_moves_nothing() -> None:
    rhythm = make_rhythm(8)
    rhythm.skip(NOW + 5, 1)
    assert rhythm.left(NOW + 5) == 3


def test_a_moment_that_follows_too_soon_is_left_out() -> None:
    rhythm = make_rhythm(8)
    rhythm.skip(NOW + 7.5, 1)
    assert rhythm.left(NOW + 7.5) == 10.5


def test_moments_that_were_missed_are_not_made_up_for() -> None:
    rhythm = make_rhythm(3)
    assert rhythm.left(NOW + 95) == 0
    rhythm.skip(NOW + 95, 1)
    assert rhythm.left(NOW + 95) == 8


@pytest.mark.parametrize(("interval", "left"), [(30, 18), (5, 3), (10, 6)])
def test_another_interval_stretches_what_is_left(interval: float, left: float) -> None:
    rhythm = make_rhythm(8)
    rhythm.pace(NOW + 2, interval)
    assert rhythm.left(NOW + 2) == left
    rhythm.skip(NOW + 2 + left, 1)
    assert rhythm.left(NOW + 2 + left) == interval


@given(st.lists(st.tuples(SECONDS, SECONDS)), st.floats(0, 0.1))
def test_it_is_never_silent_for_much_longer_than_an_interval(steps: list[tuple[float, float]], least: float) -> None:
    rhythm, now = Rhythm(Random(1), 10, NOW), NOW
    for passed, interval in steps:
        now += passed
        rhythm.pace(now, interval)
        rhythm.skip(now, least * interval)
        assert least * interval - 1e-6 <= rhythm.left(now) <= (1 + least) * interval + 1e-6
