"""From a seed to a scenario."""

from collections.abc import Callable, Sequence
from random import Random

import msgspec

from simulator.base.random_streams import chance_of
from simulator.base.scenario import (
    Act,
    AnyDisruption,
    Character,
    CrashCoordinator,
    CrashMachine,
    Decommission,
    FreezeCoordinator,
    KillCoordinator,
    MachineSpec,
    Moment,
    Part,
    PlannedOrder,
    Relabel,
    ReplaceMachine,
    Scenario,
    StopCoordinator,
    StoreAway,
    Storm,
    Weather,
)
from simulator.runs.further_faults import with_further
from simulator.runs.policy_generator import draw_policy
from simulator.runs.rare_situations import with_situation

FIRST_ORDER, BETWEEN_ORDERS, AFTER_LAST = 8.0, 25.0, 20.0
FAIR, POOR = Weather(), Weather(loss=0.03, doubling=0.05, delay=0.1, seldom=2.0)
ZONE_SHARE = 0.15
"""How many of the seeds are about a zone that is cut off."""
SOUND = {"character": Character.HONEST, "apply_seconds": 5.0, "arrives_at": 0.0} | dict.fromkeys(
    ("fails_at", "sickens_at", "limps_at", "dies_at"), ()
)
ZONES, ROLES = ("a", "a", "b", "c"), ("web", "web", "api")
SELECTIONS: tuple[dict[str, str], ...] = ({}, {"env": "prod"}, {"env": "prod"}, {"role": "web"})
Draw = Callable[[Random, Scenario, float], AnyDisruption]
LENIENT = {"batch_size": 1, "waves": (), "deadline": None, "max_unavailable": None, "failure_threshold": "100%"}


def draw_scenario(seed: int) -> Scenario:
    """Return what a seed stands for."""
    chance = chance_of(seed, "scenario")
    versions = tuple(str(number) for number in range(1, 1 + chance.choice((2, 3, 3, 4))))
    bad = tuple(version for version in versions if chance.random() < 0.35)
    interval = chance.choice((5.0, 6.0, 8.0))
    scenario = Scenario(
        seed=seed,
        heartbeat_interval=interval,
        time_to_live=3 * interval,
        reconcile_interval=chance.choice((2.0, 5.0, 5.0, 5.0, 10.0, 0.0)),
        coordinators=chance.choice((("alpha",), ("alpha",), ("alpha", "beta"))),
        in_order=chance.random() < 0.75,
        weather=chance.choice((FAIR, FAIR, POOR)),
        machines=tuple(_machine(seed, number, bad) for number in range(chance.choice((3, 4, 5, 6, 6, 7, 8, 10)))),
        orders=tuple(_order(seed, place, version) for place, version in enumerate(versions)),
        disruptions=(),
        horizon=FIRST_ORDER + BETWEEN_ORDERS * (len(versions) - 1) + AFTER_LAST,
    )
    if chance.random() < ZONE_SHARE:
        scenario = cut_off_zone(scenario)
    number = chance.choice((0, 3, 6, 10, 15, 20)) // (4 if scenario.disruptions else 1)
    disruptions = (*scenario.disruptions, *(_disruption(scenario, place) for place in range(number)))
    ordered = tuple(sorted(disruptions, key=lambda each: each.at))
    return with_situation(with_further(msgspec.structs.replace(scenario, disruptions=ordered)))


def cut_off_zone(scenario: Scenario) -> Scenario:
    """Return a scenario in which the largest zone misses a whole deployment of a good version, then comes back."""
    first, second, *_ = scenario.orders
    at = scenario.time_to_live + 14
    policy = msgspec.structs.replace(first.policy, **LENIENT)
    machines = tuple(msgspec.structs.replace(each, **SOUND) for each in scenario.machines)
    zones = [each.labels["zone"] for each in machines]
    away = tuple(each.name for each in machines if each.labels["zone"] == max(ZONES, key=zones.count))
    return msgspec.structs.replace(
        scenario,
        machines=machines,
        orders=(
            msgspec.structs.replace(first, at=at, labels={}, policy=policy),
            msgspec.structs.replace(second, at=at + 35),
        ),
        disruptions=(Part(at=7, machines=away, coordinators=scenario.coordinators, seconds=at + 20),),
        horizon=at + 60,
    )


def _machine(seed: int, number: int, bad: Sequence[str]) -> MachineSpec:
    chance = chance_of(seed, "machine", number)
    troubled = tuple(version for version in bad if chance.random() < 0.6)
    trouble = chance.choice(("fails_at", "fails_at", "sickens_at", "sickens_at", "limps_at", "dies_at"))
    weights = {Character.HONEST: 12, Character.FIRST_DOCUMENT: 3}
    weights |= {each: 1 for each in Character if each not in weights}
    fresh = chance.random() < 0.15
    spec = MachineSpec(
        name=f"web-{number}",
        labels={"env": chance.choice(("prod", "prod", "prod", "test")), "zone": chance.choice(ZONES)}
        | {"role": chance.choice(ROLES)},
        character=chance.choices(list(weights), list(weights.values()))[0],
        runs=(None, None) if fresh else ("0", "c0"),
        arrives_at=chance.uniform(0, 2) if chance.random() < 0.9 else chance.uniform(10, 70),
        apply_seconds=chance.choice((0.5, 1.5, 3.0, 3.0, 5.0, 25.0)),
        rate=chance.choice((1.0, 1.0, 1.0, 0.7, 1.5)),
        sickens_after=chance.choice((0.0, 0.0, 3.0, 12.0)),
    )
    return msgspec.structs.replace(spec, **{trouble: troubled})


def _order(seed: int, place: int, version: str) -> PlannedOrder:
    chance = chance_of(seed, "order", place)
    what = chance.choice(("both", "both", "code", "configuration"))
    return PlannedOrder(
        at=FIRST_ORDER + BETWEEN_ORDERS * place + chance.uniform(-4, 4),
        labels=dict(chance.choice(SELECTIONS)),
        policy=draw_policy(chance),
        code_version=None if what == "configuration" else version,
        configuration_version=None if what == "code" else f"c{version}",
    )


def _disruption(scenario: Scenario, place: int) -> AnyDisruption:
    chance = chance_of(scenario.seed, "disruption", place)
    kinds = list(DISRUPTIONS)
    draw = chance.choices(kinds, [DISRUPTIONS[each] for each in kinds])[0]
    return draw(chance, scenario, chance.uniform(5, scenario.horizon - 2))


def _machine_of(chance: Random, scenario: Scenario) -> str:
    return chance.choice(scenario.machines).name


def _crash_coordinator(chance: Random, scenario: Scenario, at: float) -> AnyDisruption:
    return CrashCoordinator(
        at=at,
        coordinator=chance.choice(scenario.coordinators),
        statements=chance.randint(1, 12),
        moment=chance.choice(tuple(Moment)),
        part=chance.random(),
        seconds=chance.choice((0.5, 2.0, 8.0, 25.0)),
    )


def _kill_coordinator(chance: Random, scenario: Scenario, at: float) -> AnyDisruption:
    seconds = chance.choice((0.5, 3.0, 18.0))
    return KillCoordinator(at=at, coordinator=chance.choice(scenario.coordinators), seconds=seconds)


def _stop_coordinator(chance: Random, scenario: Scenario, at: float) -> AnyDisruption:
    seconds = chance.choice((0.5, 3.0, 18.0))
    return StopCoordinator(at=at, coordinator=chance.choice(scenario.coordinators), seconds=seconds)


def _freeze_coordinator(chance: Random, scenario: Scenario, at: float) -> AnyDisruption:
    seconds = chance.choice((2.0, 8.0, 20.0, 40.0))
    return FreezeCoordinator(at=at, coordinator=chance.choice(scenario.coordinators), seconds=seconds)


def _store_away(chance: Random, scenario: Scenario, at: float) -> AnyDisruption:
    seconds = chance.choice((1.0, 4.0, 15.0))
    return StoreAway(at=at, coordinator=chance.choice(scenario.coordinators), seconds=seconds)


def _part(chance: Random, scenario: Scenario, at: float) -> AnyDisruption:
    machines = [each.name for each in scenario.machines]
    requests, answers = chance.choice(((True, True), (True, True), (True, False), (False, True)))
    return Part(
        at=at,
        machines=tuple(chance.sample(machines, chance.randint(1, len(machines)))),
        coordinators=chance.choice((scenario.coordinators, scenario.coordinators[:1])),
        seconds=chance.choice((2.0, 8.0, 20.0, 40.0)),
        requests=requests,
        answers=answers,
    )


def _storm(chance: Random, _: Scenario, at: float) -> AnyDisruption:
    weather = Weather(loss=chance.choice((0.1, 0.3)), doubling=0.2, delay=0.3, seldom=chance.choice((1.0, 8.0)))
    return Storm(at=at, weather=weather, seconds=chance.choice((8.0, 20.0)))


def _crash_machine(chance: Random, scenario: Scenario, at: float) -> AnyDisruption:
    seconds = chance.choice((0.5, 2.0, 10.0, 30.0, None))
    applying = seconds is not None and chance.random() < 0.5
    return CrashMachine(at=at, machine=_machine_of(chance, scenario), seconds=seconds, applying=applying)


def _replace_machine(chance: Random, scenario: Scenario, at: float) -> AnyDisruption:
    return ReplaceMachine(at=at, machine=_machine_of(chance, scenario), earlier_stays=chance.random() < 0.3)


def _act(chance: Random, _: Scenario, at: float) -> AnyDisruption:
    action = chance.choice(("pause", "pause", "resume", "resume", "promote", "abort", "roll_back", "progress"))
    return Act(at=at, action=action, rollback=chance.random() < 0.5)


def _decommission(chance: Random, scenario: Scenario, at: float) -> AnyDisruption:
    return Decommission(at=at, machine=_machine_of(chance, scenario), force=chance.random() < 0.5)


def _relabel(chance: Random, scenario: Scenario, at: float) -> AnyDisruption:
    labels = {"env": chance.choice(("prod", "test")), "zone": chance.choice(ZONES), "role": chance.choice(ROLES)}
    return Relabel(at=at, machine=_machine_of(chance, scenario), labels=labels)


DISRUPTIONS: dict[Draw, int] = {
    _crash_coordinator: 5,
    _kill_coordinator: 1,
    _stop_coordinator: 1,
    _freeze_coordinator: 2,
    _store_away: 1,
    _part: 3,
    _storm: 2,
    _crash_machine: 4,
    _replace_machine: 1,
    _act: 8,
    _decommission: 1,
    _relabel: 1,
}
"""How often each kind of disruption is drawn."""
