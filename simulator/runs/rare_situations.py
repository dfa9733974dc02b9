"""What a part of the seeds are instead of what was drawn: situations in which a rule matters that seldom does otherwise.

Each needs several things at once, which come together by chance in one seed of hundreds. The machines, the times and
whatever else does not matter are drawn, from sources of their own.
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
"""One seed in so many is a situation, each in turn, so that all of them come up again and again."""
MOST_MACHINES = 6
SOUND = {"arrives_at": 0.0} | dict.fromkeys(("fails_at", "sickens_at", "limps_at", "dies_at", "falls_back_from"), ())
UNSTEADY = (*LIARS, Character.FLAPPING)
Draw = Callable[[Random, Scenario], Scenario]


def with_situation(scenario: Scenario) -> Scenario:
    """Return what a part of the seeds are instead; most scenarios stay as they are."""
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
    """A version that was aborted once it had been read is deployed again, found in place by most, and rolled back."""
    scenario = _changed(scenario, -1, arrives_at=19.0)
    orders = (_order(8, "1", min_healthy_time=10.0), _order(chance.uniform(21, 24), "1"))
    return _with(scenario, orders, Act(at=chance.uniform(15, 17.5), action="abort"), Act(at=36, action="roll_back"))


def leaves_after_success(chance: Random, scenario: Scenario) -> Scenario:
    """One falls silent after its success, and a slow one keeps the deployment in flight."""
    scenario = _changed(scenario, -1, apply_seconds=chance.uniform(22, 27))
    leaving = chance.choice(scenario.machines[:-1]).name
    crash = CrashMachine(at=chance.uniform(12.5, 14), machine=leaving, seconds=40.0)
    return _with(scenario, (_order(8, "1", update_timeout=50.0),), crash)


def canary_falls_silent(chance: Random, scenario: Scenario) -> Scenario:
    """A canary succeeds, and falls silent while its wave soaks."""
    scenario = replace(scenario, heartbeat_interval=2.0, time_to_live=6.0, horizon=70.0)
    soaks = _order(21, "1", waves=(1,), wave_pause=13.0, update_timeout=50.0)
    crash = CrashMachine(at=chance.uniform(25, 26), machine=scenario.machines[0].name, seconds=40.0)
    return _with(scenario, (soaks,), crash)


def wave_waits_for_promotion(chance: Random, scenario: Scenario) -> Scenario:
    """A wave waits longer for its promotion, at 40 s, than the deadline allows for the whole."""
    update = _order(chance.uniform(20.5, 23), "1", waves=(1,), wave_pause="manual", deadline=12.0)
    return _with(scenario, (update,))


def decommissioned_in_mid_apply(chance: Random, scenario: Scenario) -> Scenario:
    """The only one of a zone that may update at a time is decommissioned while it does."""
    one_zone = tuple(replace(spec, labels=spec.labels | {"zone": "a"}) for spec in scenario.machines)
    scenario = _changed(replace(scenario, machines=one_zone), 0, apply_seconds=6.0)
    gone = Decommission(at=chance.uniform(9, 12), machine=scenario.machines[0].name, force=True)
    return _with(scenario, (_order(8, "1", batch_size=1, spread_by="zone"),), gone)


def undone_after_it_was_inherited(chance: Random, scenario: Scenario) -> Scenario:
    """All but one return to what they have missed, and that is rolled back."""
    missed, away = _missed(chance, scenario, batch_size=6)
    scenario = replace(scenario, horizon=75.0)
    return _with(scenario, (missed,), away, Act(at=chance.uniform(54, 60), action="roll_back"))


def reached_nobody(chance: Random, scenario: Scenario) -> Scenario:
    """A deployment finds nobody reachable, and fails; later it is asked to be rolled back by its number."""
    away = _part(scenario, scenario.machines, 6, 24)
    undo = Act(at=chance.uniform(38, 44), action="roll_back", deployment_id=1)
    return _with(scenario, (_order(26, "1"),), away, undo)


def heir_that_limps(chance: Random, scenario: Scenario) -> Scenario:
    """All but one return to what they have missed, two at a time, and one of them never gets well there."""
    missed, away = _missed(chance, scenario, batch_size=2, failure_threshold=3)
    return _with(_changed(scenario, 1, limps_at=("1",)), (missed,), away)


def further_attempt_is_aborted(chance: Random, scenario: Scenario) -> Scenario:
    """A target that has failed twice is assigned for the third time, does not hear of it, and is stopped."""
    scenario = _changed(scenario, 0, fails_at=("1",), apply_seconds=2.0)
    cut = _part(scenario, scenario.machines[:1], chance.uniform(25, 26.5), 9.0)
    return _with(scenario, (_order(8, "1", retries=2),), cut, Act(at=chance.uniform(32, 34), action="abort"))


def stopped_before_it_is_read(chance: Random, scenario: Scenario) -> Scenario:
    """Instances that wait for what they missed are assigned something else, aborted before they hear of it."""
    missed, away = _missed(chance, scenario, batch_size=1)
    cut = _part(scenario, scenario.machines, 45.5, 4.0)
    orders = (missed, _order(46, "2", batch_size=10))
    return _with(scenario, orders, away, cut, Act(at=chance.uniform(46.5, 48), action="abort"))


def half_of_them_leave(chance: Random, scenario: Scenario) -> Scenario:
    """Some are decommissioned before their turn, and one of two others fails: half of what is left."""
    scenario = _changed(scenario, 0, fails_at=("1",), apply_seconds=6.0)
    gone = [Decommission(at=chance.uniform(8.5, 10), machine=spec.name, force=False) for spec in scenario.machines[2:]]
    return _with(scenario, (_order(8, "1", batch_size=1, failure_threshold="50%"),), *gone)


def network_is_cut(chance: Random, scenario: Scenario) -> Scenario:
    """Nobody is heard of for longer than `update_timeout`, in the middle of a deployment."""
    slow = tuple(replace(spec, apply_seconds=6.0) for spec in scenario.machines)
    update = _order(28.5, "1", batch_size=1, update_timeout=15.0)
    return _with(replace(scenario, machines=slow), (update,), _part(scenario, slow, chance.uniform(29.5, 31), 34.0))


def pauses_before_the_silence(chance: Random, scenario: Scenario) -> Scenario:
    """A canary falls silent, and a pause begins and ends before anybody notices."""
    slow = tuple(replace(spec, apply_seconds=12.0) for spec in scenario.machines)
    scenario = _changed(replace(scenario, machines=slow, horizon=75.0), 0, apply_seconds=1.0)
    update = _order(21, "1", waves=(1,), wave_pause=30.0)
    pause = Act(at=chance.uniform(26.5, 28), action="pause")
    resume = Act(at=chance.uniform(34, 38), action="resume")
    crash = CrashMachine(at=26, machine=scenario.machines[0].name, seconds=50.0)
    return _with(scenario, (update,), crash, pause, resume)


def one_is_two(chance: Random, scenario: Scenario) -> Scenario:
    """A machine is copied while its deployment goes on, and both report."""
    slow = tuple(replace(spec, character=Character.HONEST, apply_seconds=12.0) for spec in scenario.machines)
    update = _order(8, "1", batch_size=2, failure_threshold=3, auto_rollback=False)
    copied = CloneMachine(at=chance.uniform(22, 26), machine=chance.choice(slow).name)
    return _with(replace(scenario, machines=slow, horizon=80.0), (update,), copied)


def _missed(chance: Random, scenario: Scenario, **policy: Any) -> tuple[PlannedOrder, Part]:
    """Return a deployment that one machine gets, and all others miss."""
    return _order(24, "1", **policy), _part(scenario, scenario.machines[1:], 6, chance.uniform(33, 35))


SITUATIONS: tuple[Draw, ...] = (
    same_version_again,
    leaves_after_success,
    canary_falls_silent,
    wave_waits_for_promotion,
    decommissioned_in_mid_apply,
    undone_after_it_was_inherited,
    reached_nobody,
    heir_that_limps,
    further_attempt_is_aborted,
    stopped_before_it_is_read,
    half_of_them_leave,
    network_is_cut,
    pauses_before_the_silence,
    one_is_two,
)
