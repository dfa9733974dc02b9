"""What a pause and an outage move: timers stand still."""

import pytest

from dides.engine.timers import moved, moved_hold, moved_target
from dides.model.deployment import Timers
from support.builders import NOW, updating

ALL = Timers(deadline_at=NOW, soaked_at=NOW + 1, blocked_until=NOW + 2)


def test_a_pause_moves_every_timer_of_a_deployment_by_its_length() -> None:
    assert moved(ALL, 60_000) == Timers(deadline_at=NOW + 60_000, soaked_at=NOW + 60_001, blocked_until=NOW + 60_002)


def test_what_is_not_set_stays_so() -> None:
    assert moved(Timers(), 60_000, at_least=NOW) == Timers()
    untimed = updating(deadline_at=None)
    assert moved_hold(moved_target(untimed, 60_000, NOW), 60_000, NOW) == untimed


def test_a_pause_moves_timeout_and_next_attempt_of_a_target_but_not_min_healthy_time() -> None:
    target = moved_target(updating(deadline_at=NOW, retry_at=NOW + 1, healthy_at=NOW + 2), 60_000)
    assert (target.deadline_at, target.retry_at, target.healthy_at) == (NOW + 60_000, NOW + 60_001, NOW + 2)


def test_an_outage_moves_min_healthy_time_too_because_nobody_could_have_heard() -> None:
    target = moved_hold(updating(deadline_at=NOW, healthy_at=NOW + 2), 60_000, at_least=0)
    assert (target.deadline_at, target.healthy_at) == (NOW, NOW + 60_002)


@pytest.mark.parametrize(("by", "at_least", "moment"), [(5, NOW + 90, NOW + 90), (100, NOW + 90, NOW + 100)])
def test_after_an_outage_nothing_ends_before_all_could_be_heard_of(by: int, at_least: int, moment: int) -> None:
    timers = moved(Timers(deadline_at=NOW, soaked_at=NOW, blocked_until=NOW), by, at_least)
    assert timers == Timers(deadline_at=moment, soaked_at=moment, blocked_until=moment)
    target = moved_target(updating(deadline_at=NOW, retry_at=NOW, healthy_at=NOW), by, at_least)
    assert (target.deadline_at, target.retry_at, target.healthy_at) == (moment, moment, NOW)
    assert moved_hold(target, by, at_least).healthy_at == moment


@pytest.mark.parametrize(
    ("deadline", "healthy", "retry", "due"),
    [(None, None, None, None), (3, None, None, 3), (3, 2, None, 2), (None, None, 1, 1), (3, 4, None, 3)],
)
def test_a_target_is_due_at_the_earliest_of_its_moments(
    deadline: int | None, healthy: int | None, retry: int | None, due: int | None
) -> None:
    assert updating(deadline_at=deadline, healthy_at=healthy, retry_at=retry).due_at == due
