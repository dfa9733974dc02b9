"""The verdicts on an updating target: DESIGN's table in full, then each rule by its name."""

from itertools import product

import pytest

from dides.engine.verdict import Time, heard_at, judge, time_of, verdicts
from dides.model.deployment import Target, TargetState
from dides.model.instance import Report
from dides.model.state import NOTHING, State, Status
from support.builders import (
    ASSIGNED_AT,
    DEADLINE,
    GENERATION,
    NOW,
    PAUSED,
    V1,
    V2,
    deployment,
    noted,
    report,
    succeeded,
    updating,
)

RUNNING = Time(NOW, timeouts_run=True)
HEARD = heard_at(NOW)
SUCCEEDS, FAILS, CLOCK = "succeeded", "reported FAILED", "up to the clock"

# Columns: without `observed`, FAILED is no news, then news; with `observed` = generation, FAILED is no news, then news.
READING = {
    (Status.HEALTHY, V2): (SUCCEEDS, SUCCEEDS, SUCCEEDS, SUCCEEDS),
    (Status.HEALTHY, V1): (CLOCK, CLOCK, CLOCK, CLOCK),
    (Status.FAILED, V2): (CLOCK, FAILS, FAILS, FAILS),
    (Status.FAILED, V1): (CLOCK, FAILS, FAILS, FAILS),
    (Status.DEGRADED, V2): (CLOCK, CLOCK, CLOCK, CLOCK),
    (Status.DEGRADED, V1): (CLOCK, CLOCK, CLOCK, CLOCK),
    (Status.UNKNOWN, V2): (CLOCK, CLOCK, CLOCK, CLOCK),
    (Status.UNKNOWN, V1): (CLOCK, CLOCK, CLOCK, CLOCK),
    None: (CLOCK, CLOCK, CLOCK, CLOCK),
}
COLUMNS = ((None, False), (None, True), (GENERATION, False), (GENERATION, True))
# (the deadline has passed, paused, a coordinator has just come back): every other row waits.
TIMEOUTS_FIRE = (True, False, False)


@pytest.mark.parametrize(("late", "paused", "quiet"), list(product((False, True), repeat=3)))
@pytest.mark.parametrize("reachable", [True, False])
@pytest.mark.parametrize(("observed", "news"), COLUMNS)
@pytest.mark.parametrize("said", READING)
def test_the_table_of_verdicts_first_match_wins(
    said: tuple[Status, State] | None,
    observed: int | None,
    news: bool,
    reachable: bool,
    late: bool,
    paused: bool,
    quiet: bool,
) -> None:
    target = updating(
        report=report(*said, observed=observed) if said else None,
        failure_is_news=news,
        reachable=reachable,
        deadline_at=NOW if late else NOW + 1,
    )
    its_deployment = deployment(status=PAUSED) if paused else deployment()
    verdict = judge(target, time_of(its_deployment, NOW, quiet_until=NOW + 1 if quiet else NOW))

    reading = READING[said][COLUMNS.index((observed, news))]
    if reading == CLOCK and (late, paused, quiet) == TIMEOUTS_FIRE:
        reading = "timed out" if reachable else "lost"
    if reading == CLOCK:
        assert verdict is None
    else:
        assert verdict is not None
        assert verdict.target is target
        assert verdict.state is (TargetState.SUCCEEDED if reading == SUCCEEDS else TargetState.FAILED)
        assert verdict.reason.startswith("" if reading == SUCCEEDS else reading)


def hear(target: Target, *reports: Report) -> Target:
    for each in reports:
        target = noted(target, each)
    return target


def outcome(target: Target, time: Time = HEARD) -> TargetState | None:
    verdict = judge(target, time)
    return verdict.state if verdict else None


@pytest.mark.parametrize("observed", [GENERATION - 1, GENERATION + 1, 0])
def test_with_observed_only_heartbeats_of_this_generation_count(observed: int) -> None:
    target = updating()
    assert noted(target, report(observed=observed)) is target
    assert outcome(noted(target, report(observed=GENERATION))) is TargetState.SUCCEEDED


def test_without_observed_any_heartbeat_received_since_the_telling_counts() -> None:
    assert outcome(noted(updating(), report(at=ASSIGNED_AT))) is TargetState.SUCCEEDED


def test_without_observed_a_heartbeat_received_before_the_telling_does_not_count() -> None:
    target = updating()
    assert noted(target, report(at=ASSIGNED_AT - 1)) is target


def test_without_observed_nothing_counts_before_a_telling() -> None:
    target = updating(assigned_at=None)
    assert noted(target, report()) is target


def test_at_the_target_means_every_version_that_is_managed_is_equal() -> None:
    only_code = updating(to=State("2.0"))
    assert outcome(noted(only_code, report(current=State("2.0", "anything")))) is TargetState.SUCCEEDED
    assert outcome(noted(updating(to=V2), report(current=State("2.0", "c1")))) is None


def test_failed_without_observed_fails_only_when_it_is_news() -> None:
    was_failed_when_told = updating(failure_is_news=False)
    assert outcome(noted(was_failed_when_told, report(Status.FAILED, V1))) is None
    assert outcome(noted(updating(failure_is_news=True), report(Status.FAILED, V1))) is TargetState.FAILED


@pytest.mark.parametrize("other", [Status.UNKNOWN, Status.HEALTHY, Status.DEGRADED])
def test_failed_without_observed_is_news_once_another_status_was_reported(other: Status) -> None:
    target = hear(updating(failure_is_news=False), report(Status.FAILED, V1), report(other, V1))
    assert outcome(noted(target, report(Status.FAILED, V1))) is TargetState.FAILED


def test_failed_again_and_again_without_observed_does_not_become_news() -> None:
    target = hear(updating(failure_is_news=False), *[report(Status.FAILED, V1)] * 3)
    assert outcome(target) is None


def test_failed_before_and_still_failed_at_the_deadline_times_out() -> None:
    target = noted(updating(failure_is_news=False, deadline_at=NOW), report(Status.FAILED, V1))
    verdict = judge(target, RUNNING)
    assert verdict is not None
    assert verdict.reason.startswith("timed out")


def test_failed_with_observed_fails_though_it_was_failed_when_told() -> None:
    target = noted(updating(failure_is_news=False), report(Status.FAILED, V1, observed=GENERATION))
    assert outcome(target) is TargetState.FAILED


def test_a_failure_is_not_forgotten_because_the_next_heartbeat_came_before_the_step() -> None:
    target = hear(updating(), report(Status.FAILED, V2, message="no disk"), report(Status.HEALTHY, V2))
    verdict = judge(target, HEARD)
    assert verdict is not None
    assert (verdict.state, verdict.message) == (TargetState.FAILED, "no disk")


def test_a_failure_at_the_target_is_not_forgotten_because_healthy_came_before_it_and_no_step_between() -> None:
    target = hear(updating(), report(Status.HEALTHY, V2), report(Status.FAILED, V2, message="leaks"))
    verdict = judge(target, HEARD)
    assert verdict is not None
    assert (verdict.state, verdict.message) == (TargetState.FAILED, "leaks")


@pytest.mark.parametrize("later", [report(Status.DEGRADED, V2), report(Status.HEALTHY, V1), report()])
def test_a_success_is_not_undone_by_what_would_not_undo_it_after_the_step(later: Report) -> None:
    assert outcome(hear(updating(), report(Status.HEALTHY, V2), later)) is TargetState.SUCCEEDED


def test_healthy_at_the_target_succeeds_even_after_the_deadline() -> None:
    assert outcome(noted(updating(deadline_at=NOW - 1), report()), RUNNING) is TargetState.SUCCEEDED


def test_a_timeout_fires_at_the_deadline_and_not_a_millisecond_earlier() -> None:
    assert outcome(updating(), Time(DEADLINE - 1, timeouts_run=True)) is None
    assert outcome(updating(), Time(DEADLINE, timeouts_run=True)) is TargetState.FAILED


def test_one_lost_after_it_was_told_keeps_its_slot_until_its_timeout() -> None:
    lost = updating(reachable=False)
    assert outcome(lost, RUNNING) is None
    verdict = judge(lost, Time(DEADLINE, timeouts_run=True))
    assert verdict is not None
    assert verdict.reason.startswith("lost")


def test_a_timed_out_target_keeps_the_last_message_that_it_sent() -> None:
    target = noted(updating(deadline_at=NOW), report(Status.DEGRADED, V1, message="applying"))
    verdict = judge(target, RUNNING)
    assert verdict is not None
    assert verdict.message == "applying"


def test_timeouts_stand_still_in_a_pause() -> None:
    assert not time_of(deployment(status=PAUSED), NOW, quiet_until=0).timeouts_run


def test_no_timeout_fires_until_a_coordinator_that_came_back_has_listened_for_a_time_to_live() -> None:
    assert not time_of(deployment(), NOW, quiet_until=NOW + 1).timeouts_run
    assert time_of(deployment(), NOW, quiet_until=NOW).timeouts_run


def test_a_succeeded_target_that_reports_failed_at_the_target_becomes_failed() -> None:
    target = noted(succeeded(), report(Status.FAILED, V2, message="out of memory"))
    verdict = judge(target, HEARD)
    assert verdict is not None
    assert (verdict.state, verdict.message) == (TargetState.FAILED, "out of memory")
    assert "after it had succeeded" in verdict.reason


@pytest.mark.parametrize(
    "later", [report(Status.DEGRADED, V2), report(Status.HEALTHY, V1), report(Status.UNKNOWN, NOTHING), report()]
)
def test_a_succeeded_target_stays_so_for_now_whatever_else_it_reports(later: Report) -> None:
    assert outcome(noted(succeeded(), later), RUNNING) is None


def test_a_succeeded_target_has_no_timeout() -> None:
    assert outcome(succeeded(deadline_at=NOW - 1, reachable=False), RUNNING) is None


def test_a_failure_after_success_is_not_forgotten_because_the_next_heartbeat_came_before_the_step() -> None:
    assert outcome(hear(succeeded(), report(Status.FAILED, V2), report())) is TargetState.FAILED


def test_each_target_gets_one_verdict_at_the_most() -> None:
    arrived, waiting, late = updating(1, report=report()), updating(2), updating(3, deadline_at=NOW)
    given = verdicts(deployment(), [arrived, waiting, late, arrived, late], RUNNING).settled
    assert [(each.target.id, each.state) for each in given] == [(1, TargetState.SUCCEEDED), (3, TargetState.FAILED)]
