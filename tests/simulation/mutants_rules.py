"""Rules that the field's bug reports are about, each broken by one small patch for as long as a world is played."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from dides.coordinator.transactions import (
    commands,
    convergence,
    ingest,
    plan_writer,
    registration,
    step,
    target_reports,
)
from dides.coordinator.transactions.registration import Newcomer
from dides.engine import (
    admission,
    brake,
    counters,
    lapse,
    reconcile,
    retries,
    rollback,
    sessions,
    stop,
    threshold,
    trip,
    verdict,
    waves,
)
from dides.engine.rollback import Standing
from dides.engine.sessions import Heard, Listening
from dides.engine.verdict import Time
from dides.model.deployment import Counts, Deployment, Target, TargetState
from dides.model.instance import Instance
from dides.model.plan import Assignment, Candidate, Reassignment, Settled
from dides.model.sessions import Sessions
from dides.model.state import State, Status
from dides.store.interface import Transaction
from dides.store.sql.heirs import SqlHeirs
from dides.store.sql.inventory import SqlInventory

Patch = pytest.MonkeyPatch


def ended_successes_count_as_there(patch: Patch) -> None:
    """At the end, who is silent or ill by then counts as at the target."""
    patch.setattr(Counts, "at_target", property(lambda its: its.succeeded + its.already))


def waves_ignore_health(patch: Patch) -> None:
    patch.setattr(lapse, "_holds_up", lambda _wave, _target: True)


def falling_back_is_no_failure(patch: Patch) -> None:
    """Another version after a success is only degraded."""
    patch.setattr(State, "contradicts", lambda _its, _to: False)


def silence_after_a_success_is_not_noted(patch: Patch) -> None:
    patch.setattr(verdict, "after_silence", lambda target, _last, _policy: target)


def ended_successes_stay_good(patch: Patch) -> None:
    """A version from which an instance fell back is what a rollback returns it to."""
    right = plan_writer._last_good_after

    def last_good_after(settled: Sequence[Settled]) -> dict[int, State]:
        return right([each for each in settled if each.target.state is not TargetState.SUCCEEDED])

    patch.setattr(plan_writer, "_last_good_after", last_good_after)


def found_in_place_is_not_known_as_good(patch: Patch) -> None:
    right = plan_writer._assign

    def assign(tx: Transaction, deployment: Deployment, assigned: tuple[Assignment, ...]) -> set[str]:
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(SqlInventory, "set_last_good", lambda _self, _states: None)
            return right(tx, deployment, assigned)

    patch.setattr(plan_writer, "_assign", assign)


def found_in_place_is_downgraded(patch: Patch) -> None:
    """A rollback returns who was already at the target to what was good before."""
    right = admission._without_slot

    def without_slot(its: Deployment, candidate: Candidate) -> Assignment | None:
        found = right(its, candidate)
        return found and replace(found, last_good=candidate.instance.last_good)

    patch.setattr(admission, "_without_slot", without_slot)


def aborted_rollbacks_count_as_done(patch: Patch) -> None:
    def is_undone(standing: Standing) -> str | None:
        its = standing.rollback
        return None if its is None or its.in_flight else f"Deployment {standing.deployment.id} has already been undone."

    rules = (is_undone if rule is rollback.is_undone else rule for rule in rollback.RULES)
    patch.setattr(rollback, "RULES", tuple(rules))


def nothing_is_rolled_back(patch: Patch) -> None:
    """A deployment that assigned nothing may be undone."""
    patch.setattr(rollback, "RULES", tuple(rule for rule in rollback.RULES if rule is not rollback.assigned_nothing))


def later_deployments_are_undone_too(patch: Patch) -> None:
    patch.setattr(rollback, "RULES", tuple(rule for rule in rollback.RULES if rule is not rollback.is_built_upon))


def rollbacks_return_what_was_restored(patch: Patch) -> None:
    """A second rollback returns those, too, whom the first one has returned."""
    patch.setattr("dides.store.sql.targets.SqlTargets.restored", lambda _self, _undone: frozenset())


def latecomers_wait_no_more_after_a_rollback(patch: Patch) -> None:
    patch.setattr(convergence, "converges_after", lambda *_rows, taken_back: taken_back and False)


def latecomers_keep_what_they_had(patch: Patch) -> None:
    """A version that a deployment leaves out is what a latecomer had, not what it waited for."""

    def desired_for(its: Deployment, candidate: Candidate) -> State:
        return candidate.target.to if its.rollback_of else its.to.over(candidate.instance.desired)

    patch.setattr(admission, "desired_for", desired_for)


def heirs_keep_what_was_undone(patch: Patch) -> None:
    patch.setattr(SqlHeirs, "add", lambda _self, _source, _ids: None)


def brake_never_stops(patch: Patch) -> None:
    patch.setattr(brake, "limit_of", lambda _source: 1_000)


def overdue_heirs_keep_their_place(patch: Patch) -> None:
    patch.setattr(convergence, "expire", lambda _tx: None)


def converged_is_who_is_healthy_anywhere(patch: Patch) -> None:
    def has_converged(instance: Instance, _desired: State) -> bool:
        return instance.status in (Status.HEALTHY, Status.FAILED) or not instance.reachable

    patch.setattr(convergence, "has_converged", has_converged)


def withdrawn_targets_stay_in_the_base(patch: Patch) -> None:
    patch.setattr(threshold, "open_base", waves.open_size)


def threshold_trips_one_early(patch: Patch) -> None:
    right = threshold.threshold_of
    patch.setattr(threshold, "threshold_of", lambda its: max(1, right(its) - 1))


def failures_of_who_joined_trip(patch: Patch) -> None:
    def reached(its: Deployment, _: Time) -> str | None:
        limit = threshold.threshold_of(its)
        return "failure threshold reached: too many failed" if its.counts.failed >= limit else None

    patch.setattr(trip, "RULES", (reached, *trip.RULES[1:]))


def deadline_runs_while_a_wave_waits(patch: Patch) -> None:
    right = trip.deadline_passed

    def passed(its: Deployment, time: Time) -> str | None:
        return right(replace(its, timers=replace(its.timers, waiting_since=None)), time)

    patch.setattr(trip, "RULES", tuple(passed if rule is right else rule for rule in trip.RULES))


def waves_are_promoted_in_mid_flight(patch: Patch) -> None:
    patch.setattr(commands, "why_not_promoted", lambda its: "It is the last." if waves.is_last(its) else None)


def retries_forget_what_was_read(patch: Patch) -> None:
    patch.setattr(stop, "known_to_have_read", lambda target: target.report is not None)


def retries_have_no_time(patch: Patch) -> None:
    """A further attempt has a second."""

    def reassigned(its: Deployment, target: Target, now: int) -> Reassignment | None:
        again = retries.reassigned(its, target, now)
        return again and replace(again, deadline_at=now + 1_000)

    patch.setattr(reconcile, "reassigned", reassigned)


def stops_come_before_verdicts(patch: Patch) -> None:
    """What was acknowledged before an abort or a decommission counts no more."""
    patch.setattr(commands, "settle_reported", lambda _tx, its: its)
    patch.setattr(registration, "settle_reported", lambda _tx, its: its)


def returning_targets_stay_put_off(patch: Patch) -> None:
    patch.setattr(target_reports, "_with_returned", lambda _tx, its, _targets, _before: its)


def newcomers_get_what_was_aborted(patch: Patch) -> None:
    """Another machine under a silent name is told what the earlier one was."""
    patch.setattr(registration, "_forget_desired", lambda _tx, _instance: set())


def newcomers_have_a_past(patch: Patch) -> None:
    """What ran on the earlier machine of a name is what another one under it returns to."""
    right = registration._take_up

    def take_up(tx: Transaction, known: Instance, newcomer: Newcomer, *, itself: bool) -> Instance:
        changed = right(tx, known, newcomer, itself=itself)
        tx.inventory.set_last_good({known.id: known.last_good or State()})
        return changed

    patch.setattr(registration, "_take_up", take_up)


def success_needs_no_version(patch: Patch) -> None:
    """HEALTHY is enough, at whatever version."""
    patch.setattr(State, "meets", lambda _its, _desired: True)


def unavailable_ones_are_not_followed(patch: Patch) -> None:
    patch.setattr(target_reports, "change_at_report", lambda _target, _before, _after: 0)


def decommissioned_ones_keep_their_share(patch: Patch) -> None:
    def without(its: Deployment, target: Target) -> Deployment:
        return replace(counters.without(its, target), spread=its.spread)

    patch.setattr(registration, "without", without)


def outages_hold_nothing(patch: Patch) -> None:
    patch.setattr(step, "as_paused", lambda its: its)


def pauses_before_the_silence_count(patch: Patch) -> None:
    """What stood still between the last report and the moment at which silence is declared counts as time."""
    patch.setattr(lapse, "counted_from", lambda _its, moment: moment)


def duplicates_fail_no_target(patch: Patch) -> None:
    patch.setattr(ingest, "apply_duplicates", lambda _tx, _targets, _duplicated: False)


def duplicates_fail_their_neighbours(patch: Patch) -> None:
    """As soon as one instance is known to be two, every target is."""
    until = [0]

    def duplicated(target: Target, time: Time) -> Settled | None:
        until.append(target.duplicated_until)
        return verdict._failed(target, verdict.DUPLICATED) if time.now < max(until) else None

    patch.setattr(verdict, "UPDATING_RULES", (duplicated, *verdict.UPDATING_RULES[1:]))
    patch.setattr(verdict, "SUCCEEDED_RULES", (duplicated, *verdict.SUCCEEDED_RULES[1:]))


def first_reports_after_a_restart_are_late(patch: Patch) -> None:
    """An agent that starts anew numbers its reports from 1 again, and these are taken for late ones."""

    def hear(known: Sessions, session: str, sequence: int, listening: Listening) -> Heard:
        after, counts = sessions.hear(known, session, sequence, listening)
        return after, counts and (sequence > known.sequence or session == known.session)

    patch.setattr(ingest, "hear", hear)
