"""The mutants: programs broken on purpose, each with a world in which the simulator is known to catch it."""

from collections.abc import Callable
from typing import TypeAlias

import msgspec
import pytest

from dides.sim.scenario import Scenario
from simulation import mutants_coordinator as coordinator
from simulation import mutants_engine as engine
from simulation.scenarios import (
    flap_between_steps,
    restart_after_a_failure,
    roll_back_in_mid_apply,
    stop_before_it_is_read,
)

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
    _mutant(engine.threshold_must_be_exceeded, 21, "threshold_trips", "tripped_tells_nothing"),
    _mutant(engine.nothing_trips, 9, "threshold_trips", "tripped_tells_nothing"),
    _mutant(engine.trips_are_seen_late, 9, "threshold_trips", "tripped_tells_nothing"),
    _mutant(engine.failed_targets_keep_their_slot, 17, "comes_to_rest"),
    _mutant(engine.rollback_skips_who_is_there, 6, "skipped_are_there"),
    _mutant(engine.rollback_returns_to_what_ran, 17, "only_legal_states_are_told", "returned_have_what_they_had"),
    _mutant(engine.pause_tells, 61, "pause_tells_nothing"),
    _mutant(engine.stale_heartbeats_count, 1, "successes_are_earned", "failures_are_earned"),
    _mutant(engine.newest_report_wins, flap_between_steps, "acknowledged_failures_count"),
    _mutant(engine.unreachable_ones_are_told, 0, "reachable_ones_are_told"),
    _mutant(engine.lost_ones_never_time_out, 4, "comes_to_rest"),
    _mutant(engine.successes_never_end, 4, "endings_are_true", "successes_end"),
    _mutant(engine.lost_ones_are_retried, 15, "attempts_are_limited"),
    _mutant(engine.waves_do_not_hold, 4, "waves_are_kept"),
    _mutant(engine.waves_do_not_soak, 4, "waves_open_in_time"),
    _mutant(engine.healthy_for_a_moment_is_enough, 23, "successes_are_earned"),
    _mutant(engine.window_is_not_spread, 22, "spread_is_kept"),
    _mutant(engine.availability_does_not_hold, 26, "availability_is_kept"),
    _mutant(engine.stopped_ones_keep_what_they_never_read, 1, "unread_states_are_taken_back"),
    _mutant(engine.last_target_is_not_waited_for, 13, "counters_are_true", "ends_are_final", "tripped_tells_nothing"),
    _mutant(engine.moments_that_have_passed_are_waited_for, 10, "loops_rest"),
    _mutant(coordinator.failures_are_forgotten_by_a_restart, restart_after_a_failure, "failures_are_kept"),
    _mutant(coordinator.outages_count_as_time, 31, "timeouts_are_over", "deadlines_are_over"),
    _mutant(coordinator.pauses_count_as_time, 71, "timeouts_are_over", "deadlines_are_over"),
    _mutant(coordinator.timeouts_run_in_a_pause, 14, "timeouts_are_over", "deadlines_are_over"),
    _mutant(coordinator.silence_is_declared_early, 23, "silence_is_real"),
    _mutant(coordinator.signs_of_life_are_not_kept, 0, "silence_is_real"),
    _mutant(coordinator.every_heartbeat_changes_nothing, 0, "unchanged_ones_are_true"),
    _mutant(coordinator.untouched_ones_are_rolled_back, 9, "rollbacks_return_all", "only_legal_states_are_told"),
    _mutant(coordinator.heartbeats_are_answered_before_they_are_stored, 0, "heartbeats_are_stored"),
    _mutant(coordinator.power_cuts_lose_commits, 27, "crashes_lose_nothing"),
    _mutant(coordinator.second_deployment_is_let_in, 2, "one_in_flight"),
    _mutant(coordinator.failed_versions_are_inherited, 0, "only_completed_are_inherited"),
    _mutant(coordinator.tellings_keep_the_generation, 9, "generations_rise", "targets_are_told_anew"),
    _mutant(coordinator.late_ones_converge_at_once, 37, "converging_keep_the_window"),
    _mutant(coordinator.nobody_inherits_on_return, 37, "comes_to_rest"),
    _mutant(coordinator.stopped_ones_lose_their_place, stop_before_it_is_read, "comes_to_rest"),
    _mutant(coordinator.decommissioned_targets_stay_counted, 31, "counters_are_true"),
    _mutant(coordinator.agents_trust_an_apply_that_was_cut_off, roll_back_in_mid_apply, "comes_to_rest"),
)
