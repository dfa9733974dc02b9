"""Engines broken on purpose, one small patch each: the model checker must catch every one of them."""

from collections.abc import Callable, Iterable

import pytest
from msgspec.structs import replace

from dides.engine import admission, availability, reconcile, retries, rollback, threshold, trip, verdict, window
from dides.engine.admission import Admission
from dides.engine.counters import tally
from dides.engine.stop import stop
from dides.engine.waves import advance
from dides.model.deployment import Deployment, DeploymentStatus, Kind, Target, TargetState
from dides.model.instance import Report
from dides.model.plan import Assignment, Candidate, Postponed, Settled, Touched, Undo
from dides.model.policy import Policy
from dides.rehearsal import rollout

Mutant = Callable[[pytest.MonkeyPatch], None]


def window_off_by_one(patch: pytest.MonkeyPatch) -> None:
    right = window.free_slots
    patch.setattr(window, "free_slots", lambda its: right(its) + (its.status is DeploymentStatus.RUNNING))


def threshold_off_by_one(patch: pytest.MonkeyPatch) -> None:
    right = threshold.threshold_of
    patch.setattr(threshold, "threshold_of", lambda its: right(its) + 1)


def stale_heartbeats_count(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(verdict, "counts", lambda *_: True)


def old_failures_are_news(patch: pytest.MonkeyPatch) -> None:
    right = admission._assigned
    patch.setattr(admission, "_assigned", lambda *shown: replace(right(*shown), failure_is_news=True))


def no_timeout(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(verdict, "UPDATING_RULES", (verdict.succeeded, verdict.reported_failed))


def timeouts_fire_in_a_pause(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reconcile, "time_of", lambda _, now, __: verdict.Time(now, timeouts_run=True))


def a_pause_moves_no_timers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rollout, "moved_target", lambda target, *_: target)


def a_failure_is_not_counted(patch: pytest.MonkeyPatch) -> None:
    def forgetful(its: Deployment, changes: tuple[Settled, ...]) -> Deployment:
        return tally(its, [each for each in changes if each.state is not TargetState.FAILED])

    patch.setattr(reconcile, "tally", forgetful)


def a_success_may_die_unnoticed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(verdict, "SUCCEEDED_RULES", ())


def the_next_heartbeat_wipes_out_a_failure(patch: pytest.MonkeyPatch) -> None:
    right = verdict.note

    def note(target: Target, report: Report, its: Deployment) -> Target:
        return right(replace(target, report=None), report, its)

    patch.setattr(rollout, "note", note)


def a_stopped_target_is_not_rolled_back(patch: pytest.MonkeyPatch) -> None:
    def undo(touched: list[Touched]) -> tuple[Undo, ...]:
        return rollback.undo(each for each in touched if each.target.state is not TargetState.SKIPPED)

    patch.setattr(rollout, "undo", undo)


def a_rollback_skips_one_as_already_there(patch: pytest.MonkeyPatch) -> None:
    right = admission._without_slot

    def without_slot(its: Deployment, candidate: Candidate) -> Assignment | None:
        return right(replace(its, kind=Kind.DEPLOY, to=candidate.target.to), candidate)

    patch.setattr(admission, "_without_slot", without_slot)


def what_was_not_read_stays(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rollout, "stop", lambda updating: (stop(updating)[0], ()))


def a_wave_without_a_success_goes_on(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(trip, "RULES", (threshold.threshold_reached,))


def a_wave_does_not_soak(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reconcile, "advance", lambda its, now, **_: advance(advance(its, now), now + 5_000))


def no_wave_follows(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reconcile, "advance", lambda its, _, **__: its)


def holding_is_not_restarted(patch: pytest.MonkeyPatch) -> None:
    right = verdict._healthy_at

    def healthy_at(target: Target, report: Report, policy: Policy) -> int | None:
        return target.healthy_at or right(target, report, policy)

    patch.setattr(verdict, "_healthy_at", healthy_at)


def one_retry_more(patch: pytest.MonkeyPatch) -> None:
    def postponed(its: Deployment, failed: Settled, now: int) -> Postponed | None:
        return retries.postponed(replace(its, policy=replace(its.policy, retries=its.policy.retries + 1)), failed, now)

    patch.setattr(verdict, "postponed", postponed)


def no_retry(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(verdict, "postponed", lambda *_: None)


def max_unavailable_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(availability, "room", lambda _: None)


def being_held_back_lasts_for_ever(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(trip, "RULES", (threshold.threshold_reached, trip.wave_failed))


def the_unreachable_are_waited_for(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reconcile, "nothing_left", lambda its: its.counts.updating + its.counts.pending == 0)


def the_silent_are_assigned(patch: pytest.MonkeyPatch) -> None:
    right = admission.admit

    def admit(its: Deployment, candidates: Iterable[Candidate], now: int) -> Admission:
        woken = [replace(each, instance=replace(each.instance, reachable=True)) for each in candidates]
        return right(its, woken, now)

    patch.setattr(reconcile, "admit", admit)


def an_outage_moves_no_timers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rollout, "moved", lambda timers, *_: timers)
    patch.setattr(rollout, "moved_target", lambda target, *_: target)


def the_deadline_passes_unnoticed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(trip, "RULES", (threshold.threshold_reached, trip.wave_failed, trip.blocked_too_long))
