"""Situations in which a rule matters that otherwise seldom does. Every fourth seed is one of them.

A situation needs several things at once, which chance brings together in one seed of hundreds. Machines and times are
drawn, from a random stream of their own.
"""

from collections.abc import Callable
from random import Random
from typing import Any

from msgspec.structs import replace

from dides.model.policy import Ordering, Policy
from simulator.base.random_streams import chance_of
from simulator.base.scenario import (
    LIARS,
    Act,
    AnyDisruption,
    Character,
    CloneMachine,
    CrashMachine,
    Decommission,
    MachineSpec,
    Part,
    PlannedOrder,
    Scenario,
)

EVERY = 4
"""One seed in so many is a situation. They take turns, so that no luck is needed for any of them."""
MOST_MACHINES = 6
SOUND = {"arrives_at": 0.0} | dict.fromkeys(("fails_at", "sickens_at", "limps_at", "dies_at", "falls_back_from"), ())
UNSTEADY = (*LIARS, Character.FLAPPING)
Draw = Callable[[Random, Scenario], Scenario]


def with_situation(scenario: Scenario) -> Scenario:
    """Return the situation whose turn it is in place of a scenario; three in four scenarios stay as they are."""
    turn, rest = divmod(scenario.seed, EVERY)
    if rest != EVERY - 1:
        return scenario
    chance = chance_of(scenario.seed, "situation")
    return SITUATIONS[turn % len(SITUATIONS)](chance, _calm(chance, scenario))


def _calm(chance: Random, scenario: Scenario) -> Scenario:
    """Return a scenario with sound machines, good weather and nothing in the way."""
    return replace(
        scenario,
        heartbeat_interval=5.0,
        time_to_live=15.0,
        reconcile_interval=chance.choice((2.0, 5.0)),
        coordinators=scenario.coordinators[:1],
        machines=tuple(
            _sound(chance, spec) for spec in scenario.machines[:MOST_MACHINES] if spec.name.startswith("web-")
        ),
        orders=(),
        disruptions=(),
        horizon=60.0,
    )


def _sound(chance: Random, spec: MachineSpec) -> MachineSpec:
    character = Character.HONEST if spec.character in UNSTEADY else spec.character
    return replace(spec, character=character, apply_seconds=chance.choice((0.5, 1.5, 3.0)), runs=("0", "c0"), **SOUND)


def _order(at: float, version: str, **policy: Any) -> PlannedOrder:
    usual: dict[str, Any] = {"update_timeout": 20.0, "batch_size": 9, "failure_threshold": 9, "order": Ordering.NAME}
    return PlannedOrder(at=at, labels={}, policy=Policy(**usual | policy), code_version=version)


def _part(scenario: Scenario, machines: tuple[MachineSpec, ...], at: float, seconds: float) -> Part:
    names = tuple(spec.name for spec in machines)
    return Part(at=at, machines=names, coordinators=scenario.coordinators, seconds=seconds)


def _with(scenario: Scenario, orders: tuple[PlannedOrder, ...], *disruptions: AnyDisruption) -> Scenario:
    in_time = tuple(sorted(disruptions, key=lambda disruption: disruption.at))
    return replace(scenario, orders=orders, disruptions=in_time)


def _changed(scenario: Scenario, place: int, **changes: Any) -> Scenario:
    """Return a scenario with one machine changed."""
    machines = list(scenario.machines)
    machines[place] = replace(machines[place], **changes)
    return replace(scenario, machines=tuple(machines))


def same_version_again(chance: Random, scenario: Scenario) -> Scenario:
    """Let most find a version in place that was aborted once they had read it, and roll that back.

    What has ended is not kept for long: the one before is inherited until then, and the aborted one can be undone.
    """
    scenario = _changed(replace(scenario, keep_deployments=8.0), -1, arrives_at=26.0)
    again = chance.uniform(28, 31)
    orders = (_order(6, "1"), _order(14, "2", min_healthy_time=10.0), _order(again, "2"))
    return _with(scenario, orders, Act(at=chance.uniform(21, 23), action="abort"), Act(at=45, action="roll_back"))


def leaves_after_success(chance: Random, scenario: Scenario) -> Scenario:
    """Let one fall silent after its success, while a slow one keeps the deployment in flight."""
    scenario = _changed(scenario, -1, apply_seconds=chance.uniform(22, 27))
    leaving = chance.choice(scenario.machines[:-1]).name
    crash = CrashMachine(at=chance.uniform(12.5, 14), machine=leaving, seconds=40.0)
    return _with(scenario, (_order(8, "1", update_timeout=50.0),), crash)


def canary_falls_silent(chance: Random, scenario: Scenario) -> Scenario:
    """Let a canary succeed, and fall silent while its wave soaks."""
    scenario = replace(scenario, heartbeat_interval=2.0, time_to_live=6.0, horizon=70.0)
    soaks = _order(21, "1", waves=(1,), wave_pause=13.0, update_timeout=50.0)
    crash = CrashMachine(at=chance.uniform(25, 26), machine=scenario.machines[0].name, seconds=40.0)
    return _with(scenario, (soaks,), crash)


def wave_waits_for_promotion(chance: Random, scenario: Scenario) -> Scenario:
    """Let a wave wait longer for its promotion, at 40 s, than the deadline allows for the whole."""
    update = _order(chance.uniform(20.5, 23), "1", waves=(1,), wave_pause="manual", deadline=12.0)
    return _with(scenario, (update,))


def decommissioned_in_mid_apply(chance: Random, scenario: Scenario) -> Scenario:
    """Decommission the only one of a zone that may update at a time, in the middle of its apply."""
    one_zone = tuple(replace(spec, labels=spec.labels | {"zone": "a"}) for spec in scenario.machines)
    scenario = _changed(replace(scenario, machines=one_zone), 0, apply_seconds=6.0)
    gone = Decommission(at=chance.uniform(9, 12), machine=scenario.machines[0].name, force=True)
    return _with(scenario, (_order(8, "1", batch_size=1, spread_by="zone"),), gone)


def undone_after_it_was_inherited(chance: Random, scenario: Scenario) -> Scenario:
    """Let all but one return to what they have missed, and roll that back."""
    missed, away = _missed(chance, scenario, batch_size=6)
    scenario = replace(scenario, horizon=75.0)
    return _with(scenario, (missed,), away, Act(at=chance.uniform(54, 60), action="roll_back"))


def reached_nobody(chance: Random, scenario: Scenario) -> Scenario:
    """Let a deployment find nobody reachable and fail, and ask later to roll it back by its number."""
    away = _part(scenario, scenario.machines, 6, 24)
    undo = Act(at=chance.uniform(38, 44), action="roll_back", deployment_id=1)
    return _with(scenario, (_order(26, "1"),), away, undo)


def heir_that_limps(chance: Random, scenario: Scenario) -> Scenario:
    """Let all but one return to what they have missed, two at a time; one of them never gets well there."""
    missed, away = _missed(chance, scenario, batch_size=2, failure_threshold=3)
    return _with(_changed(scenario, 1, limps_at=("1",)), (missed,), away)


def further_attempt_is_aborted(chance: Random, scenario: Scenario) -> Scenario:
    """Stop a target that has failed twice, was assigned for the third time, and has not heard of that."""
    scenario = _changed(scenario, 0, fails_at=("1",), apply_seconds=2.0)
    cut = _part(scenario, scenario.machines[:1], chance.uniform(25, 26.5), 9.0)
    return _with(scenario, (_order(8, "1", retries=2),), cut, Act(at=chance.uniform(32, 34), action="abort"))


def stopped_before_it_is_read(chance: Random, scenario: Scenario) -> Scenario:
    """Assign something else to instances that wait for what they missed; abort it before they hear of it."""
    missed, away = _missed(chance, scenario, batch_size=1)
    cut = _part(scenario, scenario.machines, 45.5, 4.0)
    orders = (missed, _order(46, "2", batch_size=10))
    return _with(scenario, orders, away, cut, Act(at=chance.uniform(46.5, 48), action="abort"))


def half_of_them_leave(chance: Random, scenario: Scenario) -> Scenario:
    """Decommission some before their turn, and let one of the two others fail: half of what is left."""
    scenario = _changed(scenario, 0, fails_at=("1",), apply_seconds=6.0)
    gone = [Decommission(at=chance.uniform(8.5, 10), machine=spec.name, force=False) for spec in scenario.machines[2:]]
    return _with(scenario, (_order(8, "1", batch_size=1, failure_threshold="50%"),), *gone)


def network_is_cut(chance: Random, scenario: Scenario) -> Scenario:
    """Cut everybody off for longer than `update_timeout`, in the middle of a deployment."""
    slow = tuple(replace(spec, apply_seconds=6.0) for spec in scenario.machines)
    update = _order(28.5, "1", batch_size=1, update_timeout=15.0)
    return _with(replace(scenario, machines=slow), (update,), _part(scenario, slow, chance.uniform(29.5, 31), 34.0))


def pauses_before_the_silence(chance: Random, scenario: Scenario) -> Scenario:
    """Let a canary fall silent, and a pause begin and end before anybody notices."""
    slow = tuple(replace(spec, apply_seconds=12.0) for spec in scenario.machines)
    scenario = replace(scenario, machines=slow, horizon=75.0)
    scenario = _changed(scenario, 0, apply_seconds=1.0, character=Character.HONEST)
    update = _order(21, "1", waves=(1,), wave_pause=30.0)
    pause = Act(at=chance.uniform(26.5, 28), action="pause")
    resume = Act(at=chance.uniform(34, 38), action="resume")
    crash = CrashMachine(at=26, machine=scenario.machines[0].name, seconds=50.0)
    return _with(scenario, (update,), crash, pause, resume)


def one_is_two(chance: Random, scenario: Scenario) -> Scenario:
    """Copy the first machine that has succeeded, so that two report; the next one succeeds once that is known."""
    slow = tuple(replace(spec, character=Character.HONEST, apply_seconds=36.0) for spec in scenario.machines)
    scenario = _changed(replace(scenario, machines=slow, horizon=150.0), 0, apply_seconds=12.0)
    update = _order(8, "1", batch_size=1, failure_threshold=3, auto_rollback=False, update_timeout=90.0)
    return _with(scenario, (update,), CloneMachine(at=chance.uniform(27, 29), machine=slow[0].name))


def flaps_between_steps(chance: Random, scenario: Scenario) -> Scenario:
    """Take steps by hand, so that instances say FAILED and then HEALTHY between two of them."""
    flapping = tuple(replace(spec, character=Character.FLAPPING) for spec in scenario.machines)
    updates = [
        _order(8 + 15 * place + chance.uniform(-1, 1), str(1 + place), auto_rollback=False) for place in range(3)
    ]
    return _with(replace(scenario, machines=flapping, reconcile_interval=0.0, horizon=70.0), tuple(updates))


def _missed(chance: Random, scenario: Scenario, **policy: Any) -> tuple[PlannedOrder, Part]:
    """Return a deployment that one machine gets, and all others miss."""
    return _order(24, "1", **policy), _part(scenario, scenario.machines[1:], 6, chance.uniform(33, 35))


SITUATIONS: tuple[Draw, ...] = (
    same_version_again,
    flaps_between_steps,
    canary_falls_silent,
    decommissioned_in_mid_apply,
    pauses_before_the_silence,
    leaves_after_success,
    further_attempt_is_aborted,
    stopped_before_it_is_read,
    half_of_them_leave,
    wave_waits_for_promotion,
    undone_after_it_was_inherited,
    reached_nobody,
    heir_that_limps,
    network_is_cut,
    one_is_two,
)
