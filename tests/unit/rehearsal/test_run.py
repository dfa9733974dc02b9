"""Runs whose every draw is written down: what becomes of instances that are told again, given up, or stopped."""

from collections.abc import Iterable
from random import Random
from typing import Any

from dides.model.policy import Policy
from dides.rehearsal.durations import Normal
from dides.rehearsal.fleet import NEW, Group, instances_of
from dides.rehearsal.rollout import Ledger
from dides.rehearsal.run import Chances, Outcome, Run

GOOD, BAD = 0.99, 0.0


class Script(Random):
    """Chance that follows a script: the fates of those told the new version, and how long those told anything take."""

    def __init__(self, fates: Iterable[float], seconds: Iterable[float]) -> None:
        super().__init__()
        self.fates, self.seconds = iter(fates), iter(seconds)

    def random(self) -> float:
        return next(self.fates)

    def gauss(self, mu: float = 0.0, sigma: float = 1.0) -> float:
        return next(self.seconds) * 1000


def play(
    instances: int, script: Script, *, failure_rate: float = 0.5, lost_rate: float = 0.0, **policy: Any
) -> Outcome:
    ledger = Ledger(instances_of([Group(1)] * instances))
    plan = ledger.trigger(NEW, Policy(**policy))
    chances = Chances(durations=Normal(mean_ms=1), failure_rate=failure_rate, lost_rate=lost_rate)
    return Run(ledger, plan, chances, script).to_end()


def test_who_is_told_to_return_in_mid_update_answers_for_its_return_alone() -> None:
    # The first fails at 10 s and is back after 1 s; the second, due at 12 s, is told to return and takes 10 s for it.
    outcome = play(2, Script([BAD, GOOD], [10, 12, 1, 10]), batch_size=2)
    assert (outcome.rollout_ms, outcome.rollback_ms, outcome.not_returned) == (10_000, 10_000, 0)


def test_a_failure_of_the_new_version_is_not_taken_for_one_of_the_return() -> None:
    outcome = play(2, Script([BAD, BAD], [10, 12, 1, 10]), batch_size=2)
    assert (outcome.rollback_ms, outcome.not_returned) == (10_000, 0)


def test_those_stopped_in_mid_update_are_down_beside_those_that_return() -> None:
    # The first is updated at 5 s; the second fails at 10 s, when the third is in mid-update. The first two return.
    outcome = play(4, Script([GOOD, BAD, GOOD], [5, 10, 20, 1, 1, 1]), batch_size=2)
    assert (outcome.reached, outcome.most_down, outcome.most_down_in_rollback) == (3, 2, 3)


def test_one_that_was_given_up_and_comes_up_later_is_down_no_more() -> None:
    # Each is given up after 4 s and is up after 10 s: never more than three are down.
    outcome = play(6, Script([GOOD] * 6, [10] * 6), update_timeout=4.0, failure_threshold=9, auto_rollback=False)
    assert (outcome.failed, outcome.most_down, outcome.rollout_ms) == (6, 3, 24_000)


def test_one_that_was_given_up_takes_room_until_it_is_up() -> None:
    outcome = play(
        4,
        Script([GOOD] * 4, [10] * 4),
        batch_size=4,
        max_unavailable=2,
        update_timeout=7.0,
        failure_threshold=9,
        auto_rollback=False,
    )
    # Two are given up at 7 s and up at 10 s; only then may the other two begin.
    assert (outcome.failed, outcome.most_down, outcome.rollout_ms) == (4, 2, 17_000)


def test_one_that_dies_in_a_further_attempt_does_not_answer_for_the_earlier_one() -> None:
    # Given up at 4 s, told again at 9 s, and dead by then: what would have come at 10 s does not come.
    outcome = play(1, Script([GOOD, BAD], [10]), lost_rate=0.5, retries=1, update_timeout=4.0, auto_rollback=False)
    assert (outcome.completed, outcome.rollout_ms) == (False, 13_000)


def test_the_failure_rate_is_of_those_that_are_not_lost() -> None:
    # Lost below 0.5, failed below 0.75.
    assert not play(1, Script([0.74], [1]), lost_rate=0.5, auto_rollback=False).completed
    assert play(1, Script([0.76], [1]), lost_rate=0.5, auto_rollback=False).completed
