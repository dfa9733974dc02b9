"""What seeds bring about seldom, made by hand: each course is the right one, and a fault in it would be noticed."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from dides.coordinator.coordinator import Coordinator
from dides.coordinator.transactions import convergence, ingest, undo
from dides.engine import lapse, sessions, stop
from dides.engine.rollback import Standing, why_not
from dides.model.deployment import Lapse
from dides.model.errors import OutcomeUnknownError
from dides.model.instance import InstanceSummary
from dides.protocol.messages import Heartbeat
from simulation.scenarios import (
    canary_falls_back,
    canary_is_reimaged,
    cloned,
    feed_breaks,
    heirs_fail,
    older_one_is_undone,
    outcomes_are_unknown,
    queued_heirs_are_assigned_what_is_undone,
    rollback_is_aborted_and_repeated,
    third_attempt_is_aborted,
)
from simulator.base.scenario import Scenario
from simulator.runs.runs import run_scenario
from simulator.world.world import Outcome, World

Patch = pytest.MonkeyPatch


def play(scenario: Scenario) -> Outcome:
    outcome = run_scenario(scenario)
    assert outcome.violation is None
    return outcome


def says(outcome: Outcome, *words: str) -> bool:
    return any(all(word in line for word in words) for line in outcome.trace)


def test_heirs_that_fail_stop_convergence_until_an_operator_lets_it_go_on() -> None:
    outcome = play(heirs_fail())
    first, *_ = [place for place, line in enumerate(outcome.trace) if "-> alpha: converge" in line]
    assert sum("is told ('1', None)" in line for line in outcome.trace[:first]) == 3, "one target and two heirs"
    assert sum("is told ('1', None)" in line for line in outcome.trace) == 7


def test_latecomers_that_waited_go_where_their_neighbours_go() -> None:
    outcome = play(queued_heirs_are_assigned_what_is_undone())
    assert outcome.endings == {"deploy completed": 1, "deploy aborted": 1, "rollback completed": 1} or (
        outcome.endings == {"deploy completed": 2, "rollback completed": 1}
    )
    assert says(outcome, "late-web-3 is told ('2', None)")
    told = [line for line in outcome.trace if "late-web-3 is told" in line]
    assert "('1', None)" in told[-1]


def test_a_canary_that_falls_back_fails_its_deployment() -> None:
    outcome = play(canary_falls_back())
    assert outcome.endings == {"deploy failed": 1}
    assert says(outcome, "target web-0 in 1: succeeded -> failed", "fell back to 0 after it had succeeded")


@pytest.mark.parametrize("keeps_credential", [True, False])
def test_a_canary_that_is_wiped_holds_its_wave_up_or_fails(keeps_credential: bool) -> None:
    outcome = play(canary_is_reimaged(keeps_credential=keeps_credential))
    assert says(outcome, "is re-imaged")
    if keeps_credential:
        assert outcome.endings == {"deploy completed": 1}
    else:
        assert outcome.endings == {"deploy failed": 1}
        assert says(outcome, "target web-0 in 1: succeeded -> failed", "another machine")


def test_a_rollback_that_was_aborted_is_repeated() -> None:
    outcome = play(rollback_is_aborted_and_repeated())
    assert outcome.endings == {"deploy completed": 1, "rollback aborted": 1, "rollback completed": 1}


def test_an_older_deployment_is_undone_by_its_number() -> None:
    outcome = play(older_one_is_undone())
    assert outcome.endings == {"deploy completed": 2, "rollback completed": 1}
    assert says(outcome, "web-0 is told ('0', None)")
    assert not says(outcome, "api-web-0 is told ('0', None)")


@pytest.mark.parametrize("done", [True, False])
def test_a_rollout_goes_on_though_nobody_learns_of_some_commits(done: bool) -> None:
    outcome = play(outcomes_are_unknown(done=done))
    assert outcome.endings == {"deploy completed": 1}
    assert says(outcome, "no success: the connection broke in the middle of a commit")


def test_who_is_behind_answers_nothing_from_memory_and_catches_up() -> None:
    outcome = play(feed_breaks())
    assert outcome.endings == {"deploy completed": 1}
    assert says(outcome, "no success: the database has not been heard of for too long")


def test_a_machine_that_was_copied_fails_as_two_and_is_announced_once(monkeypatch: Patch) -> None:
    events: list[str] = []
    close = World.close

    def close_and_look(self: World) -> None:
        events.extend(kind for (kind,) in self.disk.raw.execute("SELECT kind FROM events"))
        close(self)

    monkeypatch.setattr(World, "close", close_and_look)
    outcome = play(cloned())
    assert says(outcome, "target web-0 in 1: succeeded -> failed two agents report as this instance")
    assert events.count("instance.duplicated") == 1


def test_what_was_read_in_an_earlier_attempt_is_not_taken_back() -> None:
    outcome = play(third_attempt_is_aborted())
    assert says(outcome, "attempt 2 of 3 failed")
    assert says(outcome, "target web-0 in 1: updating -> skipped stopped while updating")
    assert not says(outcome, "web-0 is told ('0', None)")


def brake_does_not_hold(patch: Patch) -> None:
    patch.setattr(convergence, "is_stopped", lambda _source: False)


def latecomers_stay_where_they_are(patch: Patch) -> None:
    patch.setattr(convergence, "converges_after", lambda *_, **__: False)


def aborted_rollbacks_count_as_done(patch: Patch) -> None:
    def refuses(standing: Standing) -> str | None:
        return "it was rolled back" if standing.rollback else why_not(standing)

    patch.setattr(undo, "why_not", refuses)


def other_versions_are_passed_over(patch: Patch) -> None:
    right = lapse.lapse_of

    def lapse_of(target: Any, report: Any) -> Any:
        found = right(target, report)
        return None if found in (Lapse.LEFT, Lapse.LEAVING) else found

    patch.setattr(lapse, "lapse_of", lapse_of)


def unknown_outcomes_are_successes(patch: Patch) -> None:
    right = Coordinator.ingest

    async def take(self: Coordinator, summary: InstanceSummary, heartbeat: Heartbeat) -> InstanceSummary:
        try:
            return await right(self, summary, heartbeat)
        except OutcomeUnknownError:
            return summary

    patch.setattr(Coordinator, "ingest", take)


def who_is_behind_answers(patch: Patch) -> None:
    patch.setattr(Coordinator, "check_current", lambda _self: None)


def two_are_taken_for_one(patch: Patch) -> None:
    patch.setattr(sessions, "TIMES", 1000)


def earlier_attempts_are_forgotten(patch: Patch) -> None:
    patch.setattr(stop, "known_to_have_read", lambda target: target.report is not None)


def duplicates_fail_no_target(patch: Patch) -> None:
    patch.setattr(ingest, "apply_duplicates", lambda _tx, _targets, _duplicated: False)


BROKEN: tuple[tuple[Callable[[Patch], None], Callable[[], Scenario], str], ...] = (
    (brake_does_not_hold, heirs_fail, "failing_heirs_stop_convergence"),
    (latecomers_stay_where_they_are, queued_heirs_are_assigned_what_is_undone, "comes_to_rest"),
    (aborted_rollbacks_count_as_done, rollback_is_aborted_and_repeated, "undoable_are_undone"),
    (unknown_outcomes_are_successes, partial(outcomes_are_unknown, done=False), "heartbeats_are_stored"),
    (who_is_behind_answers, feed_breaks, "answers_are_current"),
    (duplicates_fail_no_target, cloned, "duplicates_fail"),
    (two_are_taken_for_one, cloned, "comes_to_rest"),
    (earlier_attempts_are_forgotten, third_attempt_is_aborted, "read_states_are_kept"),
    (other_versions_are_passed_over, canary_falls_back, "successes_end"),
)


@pytest.mark.parametrize(("breaks", "scenario", "shown_by"), BROKEN, ids=lambda each: getattr(each, "__name__", each))
def test_a_fault_is_noticed(
    monkeypatch: Patch, breaks: Callable[[Patch], None], scenario: Callable[[], Scenario], shown_by: str
) -> None:
    breaks(monkeypatch)
    outcome = run_scenario(scenario())
    assert outcome.violation
    assert outcome.violation.name == shown_by
