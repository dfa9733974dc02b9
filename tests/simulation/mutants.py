"""The mutants: programs broken on purpose, each with a world in which the simulator is known to catch it."""

from collections.abc import Callable
from typing import TypeAlias

import msgspec
import pytest

from simulation import mutants_coordinator as coordinator
from simulation import mutants_engine as engine
from simulation import mutants_rules as rules
from simulation import scenarios_rules as scene
from simulation.scenarios import (
    restart_after_a_failure,
    roll_back_in_mid_apply,
)
from simulator.base.scenario import Scenario

World: TypeAlias = int | Callable[[], Scenario]
"""A seed, or a scenario that was made by hand for what seeds bring about only seldom."""


class Mutant(msgspec.Struct, frozen=True):
    """One broken program."""

    make: Callable[[pytest.MonkeyPatch], None]
    world: World
    """It is caught in this one; when a seed no longer does it, the test looks for another."""
    by: frozenset[str]
    """The properties that show it."""

    @property
    def name(self) -> str:
        """What is wrong with it."""
        return self.make.__name__


def _mutant(make: Callable[[pytest.MonkeyPatch], None], world: World, *by: str) -> Mutant:
    return Mutant(make, world, frozenset(by))


MUTANTS: tuple[Mutant, ...] = (
    _mutant(engine.window_is_one_too_wide, 4, "window_is_kept", "waves_are_kept"),
    _mutant(engine.threshold_must_be_exceeded, 21, "threshold_trips", "tripped_assigns_nothing"),
    _mutant(engine.nothing_trips, 9, "threshold_trips", "tripped_assigns_nothing"),
    _mutant(engine.trips_are_seen_late, 9, "threshold_trips", "tripped_assigns_nothing"),
    _mutant(engine.failed_targets_keep_their_slot, restart_after_a_failure, "comes_to_rest"),
    _mutant(engine.rollback_skips_who_is_there, 6, "skipped_are_there"),
    _mutant(engine.rollback_returns_to_what_ran, 17, "only_legal_states_are_assigned", "returned_have_what_they_had"),
    _mutant(engine.pause_assigns, 61, "pause_assigns_nothing"),
    _mutant(engine.stale_heartbeats_count, 1, "successes_are_earned", "failures_are_earned"),
    _mutant(engine.newest_report_wins, 7, "acknowledged_failures_count"),
    _mutant(engine.unreachable_ones_are_assigned, 0, "reachable_ones_are_assigned"),
    _mutant(engine.lost_ones_never_time_out, scene.lost_in_mid_update, "comes_to_rest"),
    _mutant(engine.successes_never_end, scene.fall_ill_after_success, "endings_are_true", "successes_end"),
    _mutant(engine.lost_ones_are_retried, 1, "attempts_are_limited"),
    _mutant(engine.waves_do_not_hold, 4, "waves_are_kept"),
    _mutant(engine.waves_do_not_soak, 4, "waves_open_in_time"),
    _mutant(engine.healthy_for_a_moment_is_enough, 2, "successes_are_earned"),
    _mutant(engine.window_is_not_spread, 22, "spread_is_kept"),
    _mutant(engine.availability_does_not_hold, 26, "availability_is_kept"),
    _mutant(engine.stopped_ones_keep_what_they_never_read, 1, "unread_states_are_taken_back"),
    _mutant(engine.last_target_is_not_waited_for, 13, "counters_are_true", "ends_are_final", "tripped_assigns_nothing"),
    _mutant(engine.moments_that_have_passed_are_waited_for, 10, "loops_rest"),
    _mutant(coordinator.failures_are_forgotten_by_a_restart, restart_after_a_failure, "failures_are_kept"),
    _mutant(coordinator.outages_count_as_time, 5, "timeouts_are_over", "deadlines_are_over"),
    _mutant(coordinator.pauses_count_as_time, scene.pause_in_mid_update, "timeouts_are_over", "deadlines_are_over"),
    _mutant(coordinator.timeouts_run_in_a_pause, 14, "timeouts_are_over", "deadlines_are_over"),
    _mutant(coordinator.silence_is_declared_early, 23, "silence_is_real"),
    _mutant(coordinator.signs_of_life_are_not_kept, 0, "silence_is_real"),
    _mutant(coordinator.every_heartbeat_changes_nothing, 0, "unchanged_ones_are_true"),
    _mutant(coordinator.untouched_ones_are_rolled_back, 9, "rollbacks_return_all", "only_legal_states_are_assigned"),
    _mutant(coordinator.heartbeats_are_answered_before_they_are_stored, 0, "heartbeats_are_stored"),
    _mutant(coordinator.power_cuts_lose_commits, 5, "crashes_lose_nothing"),
    _mutant(coordinator.second_deployment_is_let_in, 2, "one_in_flight"),
    _mutant(coordinator.failed_versions_are_inherited, 0, "only_completed_are_inherited"),
    _mutant(coordinator.assignments_keep_the_generation, 9, "generations_rise", "targets_are_reassigned"),
    _mutant(coordinator.late_ones_converge_at_once, 37, "converging_keep_the_window"),
    _mutant(coordinator.nobody_inherits_on_return, 37, "comes_to_rest"),
    _mutant(coordinator.stopped_ones_lose_their_place, 91, "comes_to_rest"),
    _mutant(coordinator.decommissioned_targets_stay_counted, 6, "counters_are_true"),
    _mutant(coordinator.agents_trust_an_apply_that_was_cut_off, roll_back_in_mid_apply, "comes_to_rest"),
    _mutant(coordinator.late_heartbeats_count, 2, "late_reports_change_nothing"),
    _mutant(rules.ended_successes_count_as_there, 23, "endings_are_true"),
    _mutant(rules.silence_after_a_success_is_not_noted, 23, "endings_are_true"),
    _mutant(rules.waves_ignore_health, 71, "waves_wait_for_health"),
    _mutant(rules.ended_successes_stay_good, scene.fall_ill_after_success, "ended_successes_are_not_good"),
    _mutant(rules.found_in_place_is_not_known_as_good, 3, "found_in_place_is_good"),
    _mutant(rules.found_in_place_is_downgraded, 3, "only_legal_states_are_assigned"),
    _mutant(rules.aborted_rollbacks_count_as_done, 10, "refusals_are_true"),
    _mutant(rules.rollbacks_return_what_was_restored, 10, "rollbacks_return_all"),
    _mutant(rules.latecomers_keep_what_they_had, 18, "only_legal_states_are_assigned"),
    _mutant(rules.latecomers_wait_no_more_after_a_rollback, 18, "comes_to_rest"),
    _mutant(rules.overdue_heirs_keep_their_place, 51, "comes_to_rest"),
    _mutant(rules.converged_is_who_is_healthy_anywhere, 31, "places_are_earned"),
    _mutant(
        rules.withdrawn_targets_stay_in_the_base,
        35,
        "threshold_trips",
        "tripped_assigns_nothing",
    ),
    _mutant(rules.failures_of_who_joined_trip, scene.newcomer_fails, "trips_are_earned"),
    _mutant(rules.deadline_runs_while_a_wave_waits, 39, "deadlines_are_over"),
    _mutant(rules.waves_are_promoted_in_mid_flight, 0, "waves_open_in_time"),
    _mutant(rules.retries_forget_what_was_read, 27, "read_states_are_kept"),
    _mutant(rules.retries_have_no_time, scene.abort_the_third_attempt, "timeouts_are_over"),
    _mutant(rules.stops_come_before_verdicts, scene.abort_before_the_step, "earned_successes_count"),
    _mutant(rules.newcomers_get_what_was_aborted, scene.another_machine_after_an_abort, "newcomers_begin_anew"),
    _mutant(rules.newcomers_have_a_past, scene.another_machine_after_an_abort, "newcomers_begin_anew"),
    _mutant(rules.decommissioned_ones_keep_their_share, scene.decommission_in_mid_apply, "comes_to_rest"),
    _mutant(rules.brake_never_stops, 40, "failing_heirs_stop_convergence"),
    _mutant(rules.falling_back_is_no_failure, 4, "successes_end"),
    _mutant(rules.heirs_keep_what_was_undone, 43, "comes_to_rest"),
    _mutant(rules.later_deployments_are_undone_too, 12, "rollbacks_leave_later_ones_alone"),
    _mutant(rules.nothing_is_rolled_back, 47, "rollbacks_undo_something"),
    _mutant(rules.returning_targets_stay_put_off, scene.return_before_the_end, "comes_to_rest"),
    _mutant(rules.unavailable_ones_are_not_followed, 8, "counters_are_true"),
    _mutant(rules.success_needs_no_version, 0, "skipped_are_there", "successes_are_earned"),
    _mutant(rules.threshold_trips_one_early, scene.fail_short_of_the_threshold, "trips_are_earned"),
    _mutant(rules.outages_hold_nothing, 55, "outages_hold_everything"),
    _mutant(rules.pauses_before_the_silence_count, 19, "ended_successes_are_real"),
    _mutant(rules.duplicates_fail_no_target, 59, "duplicates_fail"),
    _mutant(rules.duplicates_fail_their_neighbours, 59, "failures_are_earned", "earned_successes_count"),
    _mutant(coordinator.what_can_be_undone_is_forgotten, 3, "forgotten_ones_are_not_needed"),
    _mutant(coordinator.what_is_inherited_is_forgotten, 3, "forgotten_ones_are_not_needed"),
    _mutant(coordinator.what_instances_have_is_forgotten, 3, "forgotten_ones_are_not_needed"),
    _mutant(rules.first_reports_after_a_restart_are_late, 2, "heartbeats_are_taken_in"),
)
