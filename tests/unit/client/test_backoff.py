"""Full jitter: anything between nought and a ceiling that doubles."""

from random import Random

import pytest
from typing_extensions import override

from dides.client.backoff import Backoff


class Highest(Random):
    """Always draws the upper end."""

    @override
    def uniform(self, a: float, b: float) -> float:
        return max(a, b)


def test_the_ceiling_doubles_up_to_the_cap() -> None:
    backoff = Backoff(Highest())
    assert [backoff.next_delay() for _ in range(9)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_it_never_grows_beyond_the_cap() -> None:
    backoff = Backoff(Highest())
    assert max(backoff.next_delay() for _ in range(2000)) == 30


def test_an_answer_starts_it_over() -> None:
    backoff = Backoff(Highest())
    backoff.next_delay()
    backoff.next_delay()
    backoff.reset()
    assert backoff.next_delay() == 0.5


def test_delays_are_spread_from_nought() -> None:
    backoff = Backoff(Random(1))
    delays = [backoff.next_delay() for _ in range(200)]
    assert min(delays[10:]) < 1
    assert max(delays) > 29


@pytest.mark.parametrize(
    ("asked", "delay"), [(None, 0.5), (0.0, 0.5), (0.2, 0.7), (3.0, 6), (20.0, 40), (50.0, 80), (3600.0, 90)]
)
def test_what_the_coordinator_asks_for_is_waited_first_and_then_up_to_as_long_again(
    asked: float | None, delay: float
) -> None:
    assert Backoff(Highest()).next_delay(asked) == delay


def test_those_who_were_asked_to_wait_at_one_moment_do_not_return_at_one_moment() -> None:
    delays = [Backoff(Random(seed)).next_delay(8, spread=5) for seed in range(200)]
    assert 8 <= min(delays) < 8.2
    assert 12.8 < max(delays) <= 13


def test_a_coordinator_with_long_intervals_may_ask_for_longer_waits() -> None:
    assert Backoff(Highest()).next_delay(200, spread=300) == 400
    assert Backoff(Highest()).next_delay(900, spread=300) == 600


def test_the_first_ceiling_can_be_another_one() -> None:
    backoff = Backoff(Highest())
    assert [backoff.next_delay(base=2.5, cap=5) for _ in range(3)] == [2.5, 5, 5]


def test_a_lower_cap_holds_for_one_delay() -> None:
    backoff = Backoff(Highest())
    assert [backoff.next_delay(cap=3) for _ in range(5)] == [0.5, 1, 2, 3, 3]
    assert backoff.next_delay() == 16


def test_a_command_at_a_terminal_waits_less() -> None:
    backoff = Backoff(Highest())
    assert [backoff.next_delay_at_terminal() for _ in range(6)] == [0.5, 1, 2, 4, 4, 4]
    assert backoff.next_delay_at_terminal(3600.0) == 14
