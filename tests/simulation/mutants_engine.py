"""Engines broken on purpose, one small patch each, for as long as a world is played."""

from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from dides.coordinator.transactions import plan_writer, step, target_reports
from dides.engine import (
    admission,
    availability,
    lapse,
    reconcile,
    retries,
    rollback,
    spread,
    stop,
    threshold,
    trip,
    verdict,
    waves,
    window,
)
from dides.engine.admission import Admission
from dides.engine.verdict import Time
from dides.model.deployment import Deployment, DeploymentStatus, Target, TargetState
from dides.model.instance import Report
from dides.model.plan import Assignment, Candidate, Plan, Postponed, Restoration, Settled, Snapshot
from dides.model.policy import Policy
from dides.model.state import State, Status, known

Patch = pytest.MonkeyPatch


def window_is_one_too_wide(patch: Patch) -> None:
    right = window.free_slots
    patch.setattr(window, "free_slots", lambda its: right(its) + (its.status is DeploymentStatus.RUNNING))


def threshold_must_be_exceeded(patch: Patch) -> None:
    """`>` for `>=`."""
    right = threshold.threshold_of
    patch.setattr(threshold, "threshold_of", lambda its: right(its) + 1)


def nothing_trips(patch: Patch) -> None:
    patch.setattr(reconcile, "why_tripped", lambda _deployment, _time: None)


def trips_are_seen_late(patch: Patch) -> None:
    """Every other step tells first, and leaves it to the next one to look at the failures."""
    right = trip.why_tripped
    asked: list[int] = []

    def why(deployment: Deployment, time: Time) -> str | None:
        asked.append(deployment.id)
        return right(deployment, time) if asked.count(deployment.id) % 2 else None

    patch.setattr(reconcile, "why_tripped", why)


def failed_targets_keep_their_slot(patch: Patch) -> None:
    right = window.free_slots
    patch.setattr(window, "free_slots", lambda its: max(0, right(its) - its.counts.failed))


def rollback_skips_who_is_there(patch: Patch) -> None:
    """As a deployment would: but it may be in mid-apply of what is being undone."""
    right = admission._without_slot

    def without_slot(its: Deployment, each: Candidate) -> Assignment | None:
        there = each.instance.status is Status.HEALTHY and each.instance.current.meets(each.target.to)
        if there and each.instance.reachable and not each.target.to.empty:
            return admission._assignment(its, each, each.target.to, TargetState.SKIPPED, lapse.ALREADY)
        return right(its, each)

    patch.setattr(admission, "_without_slot", without_slot)


def rollback_returns_to_what_ran(patch: Patch) -> None:
    """Not to the last good state, but to what was reported, good or not."""

    def return_state(target: Target) -> State | None:
        return known(target.before.only_managed_by(target.to))

    patch.setattr(rollback, "return_state", return_state)


def pause_assigns(patch: Patch) -> None:
    def running(its: Deployment) -> Deployment:
        return replace(its, status=DeploymentStatus.RUNNING)

    examine, admit = window.may_examine, admission.admit
    patch.setattr(step, "may_examine", lambda its, due: examine(running(its), due))
    patch.setattr(reconcile, "admit", lambda its, candidates, now: admit(running(its), candidates, now))


def stale_heartbeats_count(patch: Patch) -> None:
    """Whatever generation they name."""
    patch.setattr(verdict, "counts", lambda _report, _target: True)


def newest_report_wins(patch: Patch) -> None:
    """A FAILED that no step has seen yet is overwritten by whatever comes next."""
    right = verdict.note

    def note(target: Target, report: Report, its: Deployment) -> Target:
        return right(replace(target, report=None, healthy_at=None), report, its)

    patch.setattr(target_reports, "note", note)


def unreachable_ones_are_assigned(patch: Patch) -> None:
    right = admission.admit

    def admit(its: Deployment, candidates: Iterable[Candidate], now: int) -> Admission:
        return right(its, [replace(each, instance=replace(each.instance, reachable=True)) for each in candidates], now)

    patch.setattr(reconcile, "admit", admit)


def lost_ones_never_time_out(patch: Patch) -> None:
    def timed_out(target: Target, time: Time) -> Settled | None:
        return verdict.timed_out(target, time) if target.reachable else None

    patch.setattr(verdict, "UPDATING_RULES", (verdict.succeeded, verdict.reported_failed, timed_out))


def successes_never_end(patch: Patch) -> None:
    patch.setattr(verdict, "SUCCEEDED_RULES", ())


def lost_ones_are_retried(patch: Patch) -> None:
    """The limit of the attempts is not looked at either."""
    right = retries.postponed

    def postponed(its: Deployment, settled: Settled, now: int) -> Postponed | None:
        return right(replace(its, policy=replace(its.policy, retries=9)), settled, now)

    patch.setattr(verdict, "postponed", postponed)


def waves_do_not_hold(patch: Patch) -> None:
    patch.setattr(waves, "cap", lambda _deployment: None)


def waves_do_not_soak(patch: Patch) -> None:
    patch.setattr(Policy, "wave_pause_ms", property(lambda _policy: 0))


def healthy_for_a_moment_is_enough(patch: Patch) -> None:
    patch.setattr(Policy, "min_healthy_ms", property(lambda _policy: 0))


def window_is_not_spread(patch: Patch) -> None:
    patch.setattr(spread, "rooms", lambda _deployment: None)


def availability_does_not_hold(patch: Patch) -> None:
    patch.setattr(availability, "room", lambda _deployment: None)


def stopped_ones_keep_what_they_never_read(patch: Patch) -> None:
    right = stop.stop

    def broken(updating: Iterable[Target]) -> tuple[tuple[Settled, ...], tuple[Restoration, ...]]:
        return right(updating)[0], ()

    patch.setattr(plan_writer, "stop", broken)


def last_target_is_not_waited_for(patch: Patch) -> None:
    def nothing_left(its: Deployment) -> bool:
        return its.counts.updating <= 1 and its.counts.pending == its.counts.deferred

    patch.setattr(reconcile, "nothing_left", nothing_left)


def moments_that_have_passed_are_waited_for(patch: Patch) -> None:
    """The next step is due at once, again and again."""
    right = reconcile._next_deadline

    def next_deadline(snapshot: Snapshot, plan: Plan) -> int | None:
        deadline = right(snapshot, plan)
        waits = snapshot.quiet_until > snapshot.now and plan.deployment.counts.updating
        return snapshot.now - 1 if waits else deadline

    patch.setattr(reconcile, "_next_deadline", next_deadline)
