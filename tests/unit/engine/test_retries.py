"""`retries`: which failed attempts are told again, when, and what that does to slot and counts."""

from typing import Any

import msgspec
import pytest

from dides.engine.reconcile import reconcile
from dides.engine.retries import backoff_ms, postponed, reassigned
from dides.engine.stop import stop
from dides.engine.verdict import Time, judge, note
from dides.model.deployment import Deployment, DeploymentStatus, Lapse, Target, TargetState
from dides.model.plan import Plan, Postponed, Settled
from dides.model.policy import Policy
from dides.model.state import Status
from support.builders import (
    DEADLINE,
    GENERATION,
    NOW,
    PAUSED,
    V1,
    candidate,
    counts,
    deployment,
    report,
    snapshot,
    succeeded,
    updating,
)

LATER = Time(DEADLINE, timeouts_run=True)


def patient(retries: int = 1, **changes: Any) -> Deployment:
    """Three targets, one at a time; one is updating."""
    return deployment(
        **{"policy": Policy(retries=retries, update_timeout=30), "counts": counts(pending=2, updating=1), **changes}
    )


def failing(**changes: Any) -> Target:
    return updating(**{"report": report(Status.FAILED, V1, message="no disk"), **changes})


def waiting(**changes: Any) -> Target:
    """Its first attempt failed; its second one is due now."""
    return updating(**{"deadline_at": None, "retry_at": NOW, "report": report(Status.FAILED, V1), **changes})


def step(its_deployment: Deployment, *, now: int = NOW, **shown: Any) -> Plan:
    return reconcile(snapshot(its_deployment, [candidate(2)], now=now, **shown))


@pytest.mark.parametrize(
    ("attempt", "seconds"), [(1, 5), (2, 10), (3, 20), (6, 160), (7, 300), (8, 300), (11, 300), (12, 300), (101, 300)]
)
def test_the_backoff_doubles_from_5_seconds_to_5_minutes(attempt: int, seconds: int) -> None:
    assert backoff_ms(attempt) == seconds * 1000


def test_a_failed_attempt_keeps_its_slot_and_is_not_counted() -> None:
    plan = step(patient(), reported=(failing(deadline_at=NOW + 30_000),))
    assert (plan.settled, plan.assigned, plan.reassigned) == ((), (), ())
    assert plan.ending is None
    assert plan.deployment.counts == counts(pending=2, updating=1)
    (later,) = plan.postponed
    assert (later.retry_at, later.message) == (NOW + 5_000, "no disk")
    assert later.reason == "attempt 1 of 2 failed: reported FAILED"
    assert plan.next_deadline == NOW + 5_000


def test_the_last_attempt_counts_as_failed_once() -> None:
    plan = step(patient(), reported=(failing(attempt=2),))
    assert plan.postponed == ()
    assert [each.state for each in plan.settled] == [TargetState.FAILED]
    assert plan.deployment.counts.failed == 1
    assert plan.ending is not None


def test_without_retries_the_first_attempt_is_the_last() -> None:
    assert [each.state for each in step(patient(0), reported=(failing(),)).settled] == [TargetState.FAILED]


@pytest.mark.parametrize("retries", [1, 2, 100])
def test_there_is_one_attempt_more_than_retries(retries: int) -> None:
    failed = Settled(target=failing(attempt=retries), state=TargetState.FAILED)
    assert postponed(patient(retries), failed, NOW)
    failed = Settled(target=failing(attempt=retries + 1), state=TargetState.FAILED)
    assert postponed(patient(retries), failed, NOW) is None


def test_one_that_answers_but_does_not_arrive_in_time_is_retried() -> None:
    overdue = updating(deadline_at=NOW, report=report(Status.DEGRADED, V1))
    (later,) = step(patient(), due=(overdue,)).postponed
    assert later.reason.startswith("attempt 1 of 2 failed: timed out")


def test_silence_is_not_retried() -> None:
    plan = step(patient(), due=(updating(deadline_at=NOW, reachable=False),))
    assert plan.postponed == ()
    assert plan.settled[0].reason.startswith("lost")


def test_neither_a_success_nor_a_failure_after_it_is_retried() -> None:
    arrived, died = updating(1, report=report()), succeeded(2, report=report(Status.FAILED), lapse=Lapse.LEFT)
    its_deployment = patient(counts=counts(pending=1, updating=1, succeeded=1, degraded=1))
    plan = step(its_deployment, reported=(arrived, died))
    assert plan.postponed == ()
    assert [each.state for each in plan.settled] == [TargetState.SUCCEEDED, TargetState.FAILED]


@pytest.mark.parametrize(("early", "again"), [(1, False), (0, True), (-1, True)])
def test_the_next_attempt_is_told_at_its_moment_and_not_a_millisecond_earlier(early: int, again: bool) -> None:
    reassignment = reassigned(patient(), waiting(retry_at=NOW + early), NOW)
    assert (reassignment is not None) is again


def test_the_next_attempt_has_a_timeout_of_its_own_and_takes_no_further_slot() -> None:
    plan = step(patient(), due=(waiting(),))
    (again,) = plan.reassigned
    assert again.deadline_at == NOW + 30_000
    assert plan.assigned == ()
    assert plan.deployment.counts == counts(pending=2, updating=1)
    assert plan.next_deadline == NOW + 30_000


@pytest.mark.parametrize("status", Status)
def test_what_it_reports_when_it_is_told_again_decides_whether_failed_is_news(status: Status) -> None:
    again = reassigned(patient(), waiting(status=status), NOW)
    assert again is not None
    assert again.failure_is_news is (status is not Status.FAILED)


def test_one_that_waits_for_no_attempt_is_not_told_again() -> None:
    assert reassigned(patient(), updating(deadline_at=NOW), NOW) is None


@pytest.mark.parametrize("said", [report(), report(Status.FAILED), report(Status.FAILED, observed=GENERATION)])
def test_between_two_attempts_a_report_says_no_more_than_that_the_state_was_read(said: Any) -> None:
    heard = waiting(retry_at=DEADLINE + 1)
    assert note(heard, said, deployment()) is heard, "the report of the attempt that failed has shown it"
    target = msgspec.structs.replace(heard, report=None)
    noted = note(target, said, deployment())
    assert noted == msgspec.structs.replace(target, has_read=True)
    assert note(noted, said, deployment()) is noted
    assert judge(noted, LATER) is None


def test_in_a_pause_nothing_is_told_again() -> None:
    paused = patient(status=PAUSED, paused_at=NOW - 1)
    assert reassigned(paused, waiting(), NOW) is None
    assert step(paused, due=(waiting(),)).reassigned == ()


def test_what_fails_in_a_pause_waits_its_whole_backoff_after_the_pause() -> None:
    # Paused at NOW - 60 s; every timer moves by the pause's length at its end, so this one begins with the pause.
    paused = patient(status=PAUSED, paused_at=NOW - 60_000)
    (later,) = step(paused, reported=(failing(),)).postponed
    assert later.retry_at == NOW - 60_000 + 5_000


@pytest.mark.parametrize("attempt", [1, 2])
def test_a_further_attempt_is_not_told_in_the_step_that_trips(attempt: int) -> None:
    died = failing(id=2, attempt=2)
    plan = step(patient(counts=counts(updating=2)), reported=(died,), due=(waiting(attempt=attempt),))
    assert plan.ending is not None
    assert plan.ending.stop
    assert plan.reassigned == ()


def test_one_stopped_while_it_waited_has_read_what_it_was_told() -> None:
    stopped, restored = stop([waiting()])
    assert [each.state for each in stopped] == [TargetState.SKIPPED]
    assert restored == ()


def test_one_stopped_in_its_second_attempt_has_read_the_same_state_in_the_first() -> None:
    assert stop([updating(attempt=2, report=None, has_read=True)])[1] == ()


def test_one_that_never_answered_either_attempt_gets_its_state_back() -> None:
    (restored,) = stop([updating(attempt=2, report=None, has_read=False, earlier=V1)])[1]
    assert restored.desired == V1


def test_failures_in_a_rollback_are_not_retried_because_its_policy_has_no_retries() -> None:
    assert postponed(deployment(), Settled(target=failing(), state=TargetState.FAILED), NOW) is None


def test_a_deployment_with_only_a_waiting_attempt_left_goes_on() -> None:
    plan = reconcile(snapshot(patient(counts=counts(updating=1, succeeded=2)), reported=(failing(),)))
    assert plan.ending is None
    assert plan.deployment.status is DeploymentStatus.RUNNING
    assert isinstance(plan.postponed[0], Postponed)
