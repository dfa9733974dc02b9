"""The clock of this machine, when somebody sets it."""

from dides.runtime.clock import SystemClock


class Wall:
    """A wall clock that can be set, in nanoseconds."""

    def __init__(self) -> None:
        self.ms = 1_000_000

    def __call__(self) -> int:
        return self.ms * 1_000_000


def test_it_follows_the_machine() -> None:
    wall = Wall()
    clock = SystemClock(wall)
    wall.ms += 5_000
    assert clock.now() == 1_005_000


def test_set_back_it_goes_on_from_where_it_was() -> None:
    wall = Wall()
    clock = SystemClock(wall)
    assert clock.now() == 1_000_000
    wall.ms -= 3_600
    assert clock.now() == 1_000_000
    wall.ms += 10
    assert clock.now() == 1_000_010


def test_it_follows_the_machine_again_once_that_has_caught_up() -> None:
    wall = Wall()
    clock = SystemClock(wall)
    clock.now()
    wall.ms -= 3_600
    clock.now()
    wall.ms += 10_000
    assert clock.now() == wall.ms
