"""What follows a success: how a target leaves the target, and when that makes it a failure."""

from typing import Any

import msgspec
import pytest

from dides.engine.lapse import (
    ALREADY,
    after_replacement,
    after_report,
    after_silence,
    awaits_confirmation,
    tally_lapse,
    why_it_ended,
    with_lapse,
)
from dides.model.deployment import DeploymentStatus, Lapse, Outage, Target, TargetState, Wave
from dides.model.instance import Report
from dides.model.plan import Settled
from dides.model.policy import Policy
from dides.model.state import NOTHING, State, Status
from support.builders import GENERATION, NOW, V1, V2, counts, deployment, pending, report, succeeded

ITS = deployment(policy=Policy(update_timeout=10))
TIMEOUT = 10_000


def done(**changes: Any) -> Target:
    return succeeded(deadline_at=None, finished_at=NOW, **changes)


def there() -> Target:
    return pending(state=TargetState.SKIPPED, already=True, reason=ALREADY, generation=GENERATION, assigned_at=NOW)


def observed(status: Status, current: State = V2) -> Report:
    return report(status, current, observed=GENERATION)


@pytest.mark.parametrize(
    ("its_report", "lapse"),
    [
        (observed(Status.HEALTHY), None),
        (observed(Status.FAILED), Lapse.LEFT),
        (observed(Status.FAILED, V1), Lapse.LEFT),
        (observed(Status.HEALTHY, V1), Lapse.LEFT),
        (observed(Status.DEGRADED, V1), Lapse.LEFT),
        (observed(Status.HEALTHY, State("2.0", "c1")), Lapse.LEFT),
        (observed(Status.HEALTHY, NOTHING), Lapse.DEGRADED),
        (observed(Status.HEALTHY, State("2.0", None)), Lapse.DEGRADED),
        (observed(Status.DEGRADED), Lapse.DEGRADED),
        (observed(Status.UNKNOWN), Lapse.DEGRADED),
        (report(Status.FAILED, V1), Lapse.LEFT),
        (report(Status.HEALTHY, V1), Lapse.LEAVING),
    ],
)
@pytest.mark.parametrize("target", [done(), there()])
def test_what_a_report_says_of_a_target_that_was_at_the_target(
    target: Target, its_report: Report, lapse: Lapse | None
) -> None:
    after = after_report(target, its_report, ITS)
    assert after.lapse is lapse
    assert awaits_confirmation(target, its_report) is (lapse is Lapse.LEAVING)


def test_without_observed_a_second_report_confirms_that_it_left() -> None:
    once = after_report(done(), report(Status.HEALTHY, V1), ITS)
    assert why_it_ended(once, NOW, timeouts_run=True) is None
    twice = after_report(once, report(Status.HEALTHY, V1), ITS)
    assert why_it_ended(twice, NOW, timeouts_run=True) == "fell back to 1.0 and c1 after it had succeeded"


def test_a_late_report_is_forgotten_when_the_next_one_is_at_the_target() -> None:
    once = after_report(done(), report(Status.HEALTHY, V1), ITS)
    back = after_report(once, report(), ITS)
    assert (back.lapse, back.deadline_at) == (None, None)


def test_a_success_that_has_ended_does_not_come_back_before_the_step() -> None:
    left = after_report(done(), observed(Status.HEALTHY, V1), ITS)
    assert after_report(left, observed(Status.HEALTHY), ITS) is left
    assert after_silence(left, NOW, ITS) is left


@pytest.mark.parametrize(
    ("began", "deadline"), [(NOW, NOW + TIMEOUT), (NOW + TIMEOUT, NOW + 2 * TIMEOUT), (NOW + TIMEOUT + 1, None)]
)
def test_silence_counts_only_when_it_began_within_update_timeout_of_the_success(
    began: int, deadline: int | None
) -> None:
    quiet = after_silence(done(), began, ITS)
    assert (quiet.lapse, quiet.deadline_at) == (Lapse.SILENT, deadline)
    assert why_it_ended(quiet, 10**12, timeouts_run=True) == (
        "silent for update_timeout after it had succeeded" if deadline else None
    )


@pytest.mark.parametrize(
    ("changes", "counted_from"),
    [
        ({"resumed_at": NOW - 1}, NOW),
        ({"resumed_at": NOW + 4_000}, NOW + 4_000),
        ({"status": DeploymentStatus.PAUSED, "paused_at": NOW + 3_000}, NOW),
        ({"status": DeploymentStatus.PAUSED, "paused_at": NOW - 3_000}, NOW - 3_000),
        ({"outage": Outage(since=NOW - 2_000, base=9)}, NOW - 2_000),
        ({"outage": Outage(since=NOW - 2_000, base=9, over=True)}, NOW),
        ({"status": DeploymentStatus.PAUSED, "paused_at": NOW + 5_000, "resumed_at": NOW + 4_000}, NOW + 4_000),
    ],
)
@pytest.mark.parametrize("lapse", [Lapse.SILENT, Lapse.DEGRADED])
def test_a_lapse_counts_only_while_timers_run(changes: dict[str, Any], counted_from: int, lapse: Lapse) -> None:
    """What stands still is moved when it goes on, by all the time since it stood still."""
    its = msgspec.structs.replace(ITS, **changes)
    if lapse is Lapse.SILENT:
        lapsed = after_silence(done(), NOW, its)
    else:
        lapsed = after_report(done(), observed(Status.DEGRADED), its)
    assert lapsed.deadline_at == counted_from + TIMEOUT


def test_a_lapse_at_the_verdict_counts_from_the_beginning_of_a_pause() -> None:
    paused = msgspec.structs.replace(ITS, status=DeploymentStatus.PAUSED, paused_at=NOW - 3_000)
    target = done(report=report(Status.DEGRADED))
    settled = with_lapse(Settled(target=target, state=TargetState.SUCCEEDED), paused, NOW)
    assert settled.deadline_at == NOW - 3_000 + TIMEOUT


def test_silence_and_then_degraded_is_one_time_of_not_being_healthy() -> None:
    quiet = after_silence(done(), NOW, ITS)
    ill = after_report(quiet, msgspec.structs.replace(observed(Status.DEGRADED), at=NOW + 5_000), ITS)
    assert (ill.lapse, ill.deadline_at) == (Lapse.DEGRADED, NOW + TIMEOUT)
    assert why_it_ended(ill, NOW + TIMEOUT - 1, timeouts_run=True) is None
    assert why_it_ended(ill, NOW + TIMEOUT, timeouts_run=False) is None
    assert why_it_ended(ill, NOW + TIMEOUT, timeouts_run=True) is not None


@pytest.mark.parametrize(
    ("its_report", "words"),
    [
        (observed(Status.FAILED), "already at target, then reported FAILED"),
        (observed(Status.HEALTHY, State("1.0", "c2")), "already at target, then reported 1.0"),
    ],
)
def test_one_that_was_already_there_never_fails_and_says_why_it_counts_no_longer(
    its_report: Report, words: str
) -> None:
    left = after_report(there(), its_report, ITS)
    assert (left.reason, left.deadline_at, left.state) == (words, None, TargetState.SKIPPED)
    back = after_report(left, observed(Status.HEALTHY), ITS)
    assert (back.reason, back.lapse) == (ALREADY, None)


def test_another_machine_ends_a_success() -> None:
    reason = "another machine took up its name after it had succeeded"
    assert why_it_ended(after_replacement(done()), NOW, timeouts_run=False) == reason
    assert after_replacement(there()).reason == "already at target, then another machine took up its name"


@pytest.mark.parametrize(
    ("target", "lapse", "deadline"),
    [
        (done(report=report()), None, None),
        (done(report=report(Status.DEGRADED)), Lapse.DEGRADED, NOW + TIMEOUT),
        (done(report=report(Status.HEALTHY, V1)), Lapse.LEAVING, NOW + TIMEOUT),
        (done(report=report(), reachable=False), Lapse.SILENT, NOW + TIMEOUT),
    ],
)
def test_a_success_knows_what_was_reported_before_its_step(
    target: Target, lapse: Lapse | None, deadline: int | None
) -> None:
    settled = with_lapse(Settled(target=target, state=TargetState.SUCCEEDED), ITS, NOW)
    assert (settled.lapse, settled.deadline_at) == (lapse, deadline)


def test_the_totals_follow_each_lapse_there_and_back() -> None:
    before = deployment(counts=counts(succeeded=2, skipped=1, already=1), wave=Wave(succeeded=2))
    for target in (done(), there()):
        ill = after_report(target, observed(Status.DEGRADED), ITS)
        left = after_report(target, observed(Status.HEALTHY, V1), ITS)
        assert tally_lapse(before, target, ill).counts.at_target == 2
        assert tally_lapse(before, target, left).counts.at_target == 2
        assert tally_lapse(tally_lapse(before, target, ill), ill, target) == before
    assert tally_lapse(before, done(), after_silence(done(), NOW, ITS)).wave.lapsed == 1
    assert tally_lapse(before, there(), after_silence(there(), NOW, ITS)).wave.lapsed == 0
