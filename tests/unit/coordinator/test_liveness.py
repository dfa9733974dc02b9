"""Who has been silent for a time to live."""

import pytest

from dides.coordinator.liveness import Liveness
from support.clocks import FakeClock


@pytest.fixture
def liveness(clock: FakeClock) -> Liveness:
    return Liveness(clock, time_to_live=30)


def test_nobody_is_silent_before_the_time_to_live_is_over(liveness: Liveness, clock: FakeClock) -> None:
    liveness.seen(["a"])
    clock.advance(29.999)
    assert liveness.silent() == []
    clock.advance(0.001)
    assert liveness.silent() == ["a"]
    assert liveness.silent() == ["a"], "until it is forgotten or seen"


def test_a_sign_of_life_starts_it_anew(liveness: Liveness, clock: FakeClock) -> None:
    liveness.seen(["a", "b"])
    clock.advance(20)
    liveness.seen(["a"])
    clock.advance(10)
    assert liveness.silent() == ["b"]
    clock.advance(20)
    assert liveness.silent() == ["b", "a"], "longest first"


def test_the_forgotten_are_not_watched_until_they_are_seen_again(liveness: Liveness, clock: FakeClock) -> None:
    liveness.seen(["a", "b"])
    clock.advance(30)
    liveness.forget("a")
    liveness.forget("nobody")
    assert liveness.silent() == ["b"]
    liveness.seen(["a"])
    clock.advance(30)
    assert liveness.silent() == ["b", "a"]


def test_a_wall_clock_that_jumps_makes_nobody_silent(liveness: Liveness, clock: FakeClock) -> None:
    liveness.seen(["a"])
    clock.set_wall(clock.now() + 3_600_000)
    assert liveness.silent() == []
