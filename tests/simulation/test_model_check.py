"""Every state that small deployments can be in, whatever happens in whatever order.

The engine runs over a ledger in memory, with the agents' real decisions. What may happen in every state: a step, time,
an agent reads, reports, and ends its apply well or badly; and up to `at_most` disruptions of those that a case names.
`pytest -rP` prints how many states there were. With DIDES_SOAK set in the environment, larger cases are visited too;
they take minutes.
"""

import os
from collections import deque

import pytest
from msgspec.structs import replace

from dides.model.deployment import DeploymentStatus, Kind
from dides.model.policy import Policy
from simulation import model_mutants as broken
from simulation.model_case import Case
from simulation.model_check import FIRST_STEP, Explored, components, explore
from simulation.model_events import DISRUPTIONS, Event, after, events
from simulation.model_key import key_of
from simulation.model_mutants import Mutant
from simulation.model_properties import BrokenError
from simulation.model_world import World

ANYTHING = DISRUPTIONS
TICK = Policy(update_timeout=5)
PATIENT = Policy(update_timeout=5, failure_threshold=2)

CASES = {
    "anything goes wrong once": Case(policy=TICK, disruptions=ANYTHING),
    "anything, one instance without observed": Case(policy=TICK, instances=1, disruptions=ANYTHING, observing=False),
    "threshold 2": Case(policy=PATIENT, disruptions=frozenset({"sends late"})),
    "window 2": Case(policy=replace(TICK, batch_size=2), disruptions=frozenset({"abort"})),
    "three instances": Case(policy=PATIENT, instances=3, at_most=0),
    "never told before": Case(policy=TICK, disruptions=frozenset({"abort"}), managed=False),
    "retries": Case(policy=replace(TICK, retries=1), disruptions=frozenset({"abort", "pause"})),
    "waves": Case(policy=replace(PATIENT, batch_size=2, waves=(1, 2)), instances=3, at_most=0),
    "waves that soak": Case(
        policy=replace(PATIENT, waves=(1,), wave_pause=5.0), disruptions=frozenset({"pause", "sickens", "outage"})
    ),
    "waves to promote": Case(
        policy=replace(PATIENT, waves=(1,), wave_pause="manual"), disruptions=frozenset({"abort", "sickens"})
    ),
    "min healthy time": Case(
        policy=Policy(min_healthy_time=5, update_timeout=10),
        disruptions=frozenset({"sickens", "is cut off", "pause", "outage"}),
    ),
    "max unavailable": Case(
        policy=replace(PATIENT, batch_size=2, max_unavailable=1), disruptions=frozenset({"sickens"})
    ),
    "deadline": Case(policy=replace(TICK, deadline=5.0), disruptions=frozenset({"pause", "outage"})),
}
LARGER_CASES = {
    "anything, without observed": Case(policy=TICK, disruptions=ANYTHING, observing=False),
    "two things go wrong": Case(policy=TICK, disruptions=frozenset({"abort", "is killed"}), at_most=2),
    "two of anything": Case(policy=TICK, disruptions=ANYTHING, at_most=2),
    "retries, anything": Case(policy=replace(TICK, retries=1), disruptions=ANYTHING),
    "min healthy time, without observed": Case(
        policy=Policy(min_healthy_time=5, update_timeout=10), disruptions=ANYTHING, observing=False
    ),
    "max unavailable, anything": Case(policy=replace(PATIENT, batch_size=2, max_unavailable=1), disruptions=ANYTHING),
    "three instances, window 2": Case(policy=replace(TICK, batch_size=2), instances=3, at_most=0),
}
VISITED = CASES | (LARGER_CASES if "DIDES_SOAK" in os.environ else {})


@pytest.mark.parametrize("name", VISITED)
def test_in_every_state_every_property_holds_and_every_fair_run_ends(name: str) -> None:
    explored = explore(VISITED[name])
    print(f"{name}: {explored.states:,} states, {explored.transitions:,} transitions, {_endings(explored)}")
    assert not explored.traps, f"may go on for ever after {explored.traps[0]}"
    assert explored.states > 1_000
    assert {(Kind.DEPLOY, DeploymentStatus.COMPLETED), (Kind.ROLLBACK, DeploymentStatus.COMPLETED)} <= explored.endings


def _endings(explored: Explored) -> str:
    return "ended as " + ", ".join(sorted(f"{status} {kind}" for kind, status in explored.endings))


def test_an_abort_is_seen_to_end_deployments_and_rollbacks() -> None:
    small = Case(policy=TICK, instances=1, disruptions=frozenset({"abort"}), at_most=2)
    aborted = DeploymentStatus.ABORTED
    assert {(Kind.DEPLOY, aborted), (Kind.ROLLBACK, aborted)} <= explore(small).endings


@pytest.mark.parametrize("name", ["threshold 2", "retries", "waves that soak", "min healthy time"])
def test_states_that_are_taken_for_the_same_have_the_same_future(name: str) -> None:
    """What the key leaves out must not matter: two worlds with one key lead to the same keys, by the same events."""
    case = replace(CASES[name], instances=1, at_most=1, disruptions=ANYTHING)
    futures: dict[bytes, set[tuple[Event, bytes]]] = {}
    waiting = deque([after(World(case), FIRST_STEP)])
    met_again = 0
    while waiting:
        world = waiting.popleft()
        key, afters = key_of(world), _afters(world)
        future = {(event, key_of(changed)) for event, changed in afters}
        if key in futures:
            assert futures[key] == future
            met_again += 1
            continue
        futures[key] = future
        waiting.extend(changed for _, changed in afters)
    assert met_again > len(futures)


def _afters(world: World) -> list[tuple[Event, World]]:
    return [(event, after(world, event)) for event in events(world)] if world.ledger.its_deployment.in_flight else []


SOAKING, PROMOTED = CASES["waves that soak"], CASES["waves to promote"]
SICK_ONCE = Case(policy=TICK, disruptions=frozenset({"sickens", "sends late"}), at_most=2, observing=False)
OUTAGE = Case(policy=Policy(update_timeout=10), disruptions=frozenset({"long outage"}))
RETRIED = replace(CASES["retries"], at_most=0)
KILLED = replace(CASES["min healthy time"], disruptions=frozenset({"is killed"}))
CUT_OFF = Case(policy=TICK, disruptions=frozenset({"is cut off"}))
PAUSED = Case(policy=TICK, disruptions=frozenset({"pause"}))
FOREVER = "may go on for ever"

CAUGHT: list[tuple[Mutant, Case, str]] = [
    (broken.window_off_by_one, CASES["three instances"], "updating at once"),
    (broken.threshold_off_by_one, CASES["three instances"], "over the threshold"),
    (broken.stale_heartbeats_count, CASES["threshold 2"], "without having been HEALTHY"),
    (broken.old_failures_are_news, SICK_ONCE, "failed without a ground"),
    (broken.no_timeout, CASES["threshold 2"], "a slot is held for nothing"),
    (broken.timeouts_fire_in_a_pause, PAUSED, "without a ground"),
    (broken.a_pause_moves_no_timers, PAUSED, "without a ground"),
    (broken.an_outage_moves_no_timers, OUTAGE, "without a ground"),
    (broken.a_failure_is_not_counted, CASES["threshold 2"], "a counter is wrong"),
    (broken.a_success_may_die_unnoticed, SOAKING, "still counts as a success"),
    # A success that comes of it shows first: whoever has failed has not been HEALTHY for long enough.
    (broken.the_next_heartbeat_wipes_out_a_failure, CASES["anything goes wrong once"], "without having been HEALTHY"),
    (broken.a_stopped_target_is_not_rolled_back, CASES["window 2"], "return to what it had"),
    (broken.a_rollback_skips_one_as_already_there, CASES["window 2"], "skipped one that can be reached"),
    (broken.what_was_not_read_stays, CASES["window 2"], "a wrong desired state"),
    (broken.a_wave_without_a_success_goes_on, SOAKING, "a wave opens after one without a success"),
    (broken.a_wave_does_not_soak, SOAKING, "before the last one has soaked"),
    (broken.no_wave_follows, SOAKING, FOREVER),
    (broken.holding_is_not_restarted, KILLED, "for long enough"),
    (broken.one_retry_more, RETRIED, "one attempt too many"),
    (broken.no_retry, CASES["retries"], "with attempts left"),
    (broken.max_unavailable_is_forgotten, CASES["max unavailable"], "unavailable at once"),
    (broken.being_held_back_lasts_for_ever, CASES["max unavailable"], FOREVER),
    (broken.the_unreachable_are_waited_for, CUT_OFF, FOREVER),
    (broken.the_silent_are_assigned, CUT_OFF, "told one that is silent"),
    (broken.the_deadline_passes_unnoticed, CASES["deadline"], "has run past its deadline"),
]


@pytest.mark.parametrize(("mutant", "case", "words"), CAUGHT, ids=[each[0].__name__ for each in CAUGHT])
def test_a_broken_engine_is_caught(mutant: Mutant, case: Case, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant(monkeypatch)
    if words == FOREVER:
        assert explore(case).traps
        return
    with pytest.raises(BrokenError, match=words):
        explore(case)


def test_strongly_connected_components_are_found() -> None:
    #  0 -> 1 <-> 2 -> 3 <-> 4, 3 -> 5, and 5 to itself
    leads_to = [[1], [2], [1, 3], [4, 5], [3], [5]]
    edges = [[("event", to) for to in each] for each in leads_to]
    assert sorted(sorted(each) for each in components(edges)) == [[0], [1, 2], [3, 4], [5]]
