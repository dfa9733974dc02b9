"""All safety properties, in the order in which they are checked after every transaction."""

from collections.abc import Callable, Iterator

from simulator.checker.history import Memory
from simulator.checker.properties import assignments, limits, returns, rollouts, sessions, undoing, verdicts
from simulator.checker.snapshots import Change

Property = Callable[[Change, Memory], Iterator[str]]
"""Yields what is wrong with a change; its docstring is the sentence of the design that it checks."""

SAFETY: tuple[Property, ...] = (
    rollouts.one_in_flight,
    rollouts.window_is_kept,
    rollouts.tripped_assigns_nothing,
    rollouts.threshold_trips,
    rollouts.trips_are_earned,
    rollouts.failures_are_kept,
    rollouts.counters_are_true,
    rollouts.ends_are_final,
    rollouts.endings_are_true,
    rollouts.pause_assigns_nothing,
    rollouts.outages_hold_everything,
    assignments.generations_rise,
    assignments.targets_are_reassigned,
    assignments.only_legal_states_are_assigned,
    assignments.reachable_ones_are_assigned,
    assignments.unread_states_are_taken_back,
    assignments.read_states_are_kept,
    assignments.skipped_are_there,
    verdicts.successes_are_earned,
    verdicts.earned_successes_count,
    verdicts.failures_are_earned,
    verdicts.ended_successes_are_real,
    verdicts.successes_end,
    verdicts.acknowledged_failures_count,
    verdicts.timeouts_are_over,
    verdicts.deadlines_are_over,
    verdicts.silence_is_real,
    verdicts.returns_are_real,
    verdicts.heartbeats_are_taken_in,
    sessions.numbers_rise,
    sessions.late_reports_change_nothing,
    sessions.restarts_are_no_duplicates,
    sessions.duplicates_fail,
    limits.waves_are_kept,
    limits.waves_open_in_time,
    limits.waves_wait_for_health,
    limits.spread_is_kept,
    limits.availability_is_kept,
    limits.attempts_are_limited,
    returns.rollbacks_return_all,
    returns.returned_have_what_they_had,
    returns.rollbacks_undo_once,
    returns.only_completed_are_inherited,
    returns.converging_keep_the_window,
    returns.failing_heirs_stop_convergence,
    undoing.rollbacks_undo_something,
    undoing.rollbacks_leave_later_ones_alone,
    undoing.ended_successes_are_not_good,
    undoing.found_in_place_is_good,
    undoing.forgotten_ones_are_not_needed,
    undoing.newcomers_begin_anew,
    undoing.places_are_earned,
)
