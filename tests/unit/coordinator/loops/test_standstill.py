"""A process that stood still notices that at its first look, and what was asked for before is refused."""

import pytest

from dides.coordinator.loops.standstill import LONGEST, Standstill
from dides.model.errors import StoodStillError


class Seconds:
    def __init__(self) -> None:
        self.now = 5.0

    def __call__(self) -> float:
        return self.now


def test_nothing_is_noticed_before_anybody_watches() -> None:
    """Where nobody looks regularly, an idle process has long gaps between two looks."""
    seconds = Seconds()
    standstill = Standstill(seconds)
    asked = standstill.look()
    seconds.now += 10 * LONGEST
    standstill.check(asked)
    assert standstill.look() == 0


def test_a_gap_of_up_to_a_second_is_none() -> None:
    seconds = Seconds()
    standstill = Standstill(seconds)
    standstill.start()
    asked = standstill.look()
    seconds.now += LONGEST
    standstill.check(asked)
    assert standstill.look() == 0


def test_a_longer_gap_is_noticed_once_and_told_at_once() -> None:
    seconds, assigned = Seconds(), list[int]()
    standstill = Standstill(seconds)
    standstill.on_noticed.append(lambda: assigned.append(standstill.count))
    standstill.start()
    seconds.now += LONGEST + 0.1
    assert (standstill.look(), standstill.look(), assigned) == (1, 1, [1])


def test_what_was_asked_before_it_is_refused_even_before_it_was_noticed() -> None:
    seconds = Seconds()
    standstill = Standstill(seconds)
    standstill.start()
    asked = standstill.look()
    seconds.now += LONGEST + 0.1
    with pytest.raises(StoodStillError):
        standstill.check(asked)
    standstill.look()
    with pytest.raises(StoodStillError):
        standstill.check(asked)
    standstill.check(standstill.look())
