"""What a part of the seeds has beside the rest: latecomers, machines that lose a version, and operators who take back.

All of it is drawn from sources of its own, so that it changes nothing of what a seed stood for before.
"""

from collections.abc import Callable, Iterator
from random import Random

import msgspec

from simulator.base.random_streams import chance_of
from simulator.base.scenario import (
    Act,
    AnyDisruption,
    BreakFeed,
    LoseOutcomes,
    MachineSpec,
    ReimageMachine,
    Scenario,
)

LATE_SHARE, FURTHER_SHARE, STORE_SHARE, QUEUE_SHARE, SHORT_SHARE = 0.3, 0.5, 0.3, 0.06, 0.2
SOUND = {"apply_seconds": 2.0} | dict.fromkeys(("fails_at", "sickens_at", "limps_at", "dies_at", "falls_back_from"), ())
LENIENT = {"waves": (), "deadline": None, "max_unavailable": None, "failure_threshold": "100%"}
Draw = Callable[[Random, Scenario, float], Iterator[AnyDisruption]]


def with_further(scenario: Scenario) -> Scenario:
    """Return a scenario with what it has beside the rest, or as it is."""
    chance = chance_of(scenario.seed, "further")
    late, number = chance.random() < LATE_SHARE, chance.choice((1, 2, 4))
    if chance.random() < FURTHER_SHARE:
        found = [each for place in range(number) for each in _disruptions(scenario, place)]
        scenario = _disrupted(_falling_back(scenario), found)
    scenario = _with_latecomers(scenario, chance) if late else scenario
    scenario = _disrupted(scenario, list(_of_the_store(scenario)))
    keep = chance_of(scenario.seed, "retention")
    if keep.random() < SHORT_SHARE:
        scenario = msgspec.structs.replace(scenario, keep_deployments=keep.choice((8.0, 20.0)))
    queue = chance_of(scenario.seed, "queue")
    return _with_queue(scenario, queue) if queue.random() < QUEUE_SHARE else scenario


def _disrupted(scenario: Scenario, found: list[AnyDisruption]) -> Scenario:
    disruptions = sorted((*scenario.disruptions, *found), key=lambda disruption: disruption.at)
    return msgspec.structs.replace(scenario, disruptions=tuple(disruptions))


def _with_latecomers(scenario: Scenario, chance: Random) -> Scenario:
    """Return a scenario to which machines come late, all at once: in a deployment, after it, or just before another.

    Half the time that deployment is rolled back around then; a part of the time its version fails on all of them.
    """
    order = chance.choice(scenario.orders)
    at = order.at + chance.choice((-4.0, 3.0, 8.0, 16.0, 24.0))
    bad = tuple(filter(None, (order.code_version, order.configuration_version))) if chance.random() < 0.4 else ()
    usual = scenario.machines[0]
    machines = tuple(
        MachineSpec(
            name=f"late-{number}",
            labels=usual.labels,
            arrives_at=max(0.0, at + chance.uniform(0, 3)),
            apply_seconds=chance.choice((1.5, 5.0, 12.0)),
            runs=(None, None) if chance.random() < 0.5 else ("0", "c0"),
            sickens_at=bad,
        )
        for number in range(chance.choice((2, 3, 4, 5)))
    )
    scenario = msgspec.structs.replace(scenario, machines=(*scenario.machines, *machines))
    if chance.random() < 0.5:
        return scenario
    return _disrupted(scenario, [Act(at=max(1.0, at + chance.uniform(1, 12)), action="roll_back")])


def _with_queue(scenario: Scenario, chance: Random) -> Scenario:
    """Return a scenario in which latecomers queue for one deployment, are told by the next, and that is undone."""
    change = msgspec.structs.replace
    first, second, *_ = scenario.orders
    at = 45.0
    sound = tuple(change(machine, **SOUND) for machine in scenario.machines)
    queued = tuple(
        MachineSpec(
            name=f"queued-{number}",
            labels=scenario.machines[0].labels,
            arrives_at=at - chance.uniform(0.5, 3),
            apply_seconds=5.0,
        )
        for number in range(4)
    )
    orders = (
        change(first, at=8.0, labels={}, policy=change(first.policy, batch_size=1, **LENIENT)),
        change(second, at=at, labels={}, policy=change(second.policy, batch_size="100%", **LENIENT)),
    )
    undo = Act(at=at + chance.uniform(3, 9), action="roll_back")
    calm = tuple(disruption for disruption in scenario.disruptions if not isinstance(disruption, Act))[:2]
    return _disrupted(
        change(scenario, machines=(*sound, *queued), orders=orders, disruptions=calm, horizon=75.0), [undo]
    )


def _falling_back(scenario: Scenario) -> Scenario:
    """Return a scenario in which some machines leave some versions again."""
    return msgspec.structs.replace(
        scenario, machines=tuple(_machine(scenario, place) for place in range(len(scenario.machines)))
    )


def _machine(scenario: Scenario, place: int) -> MachineSpec:
    chance, spec = chance_of(scenario.seed, "falls back", place), scenario.machines[place]
    if chance.random() >= 0.4:
        return spec
    orders = chance.sample(scenario.orders, chance.randint(1, len(scenario.orders)))
    both = ((order.code_version, order.configuration_version) for order in orders)
    versions = tuple(version for pair in both for version in pair if version)
    return msgspec.structs.replace(
        spec, falls_back_from=versions, falls_back_after=chance.choice((1.0, 4.0, 9.0, 20.0))
    )


def _disruptions(scenario: Scenario, place: int) -> Iterator[AnyDisruption]:
    chance = chance_of(scenario.seed, "further disruption", place)
    draw = chance.choice(DRAWS)
    yield from draw(chance, scenario, chance.uniform(8, scenario.horizon - 2))


def _of_the_store(scenario: Scenario) -> Iterator[AnyDisruption]:
    """Yield what gets in the way of a store that is a server: commits whose outcome nobody learns, and broken feeds."""
    chance = chance_of(scenario.seed, "store")
    if chance.random() >= STORE_SHARE:
        return
    for _ in range(chance.randint(1, 3)):
        at, coordinator = chance.uniform(5, scenario.horizon - 2), chance.choice(scenario.coordinators)
        if len(scenario.coordinators) > 1 and chance.random() < 0.5:
            seconds, everything = chance.choice((1.0, 1.8, 4.0, 15.0)), chance.random() < 0.5
            yield BreakFeed(at=at, coordinator=coordinator, seconds=seconds, everything=everything)
        else:
            commits = tuple(chance.random() < 0.6 for _ in range(chance.randint(1, 4)))
            yield LoseOutcomes(at=at, coordinator=coordinator, commits=commits, seconds=chance.choice((0.1, 1.0, 6.0)))


def _reimage(chance: Random, scenario: Scenario, at: float) -> Iterator[AnyDisruption]:
    yield ReimageMachine(
        at=at,
        machine=chance.choice(scenario.machines).name,
        seconds=chance.choice((1.0, 5.0, 20.0)),
        keeps_credential=chance.random() < 0.5,
    )


def _undo_named(chance: Random, scenario: Scenario, at: float) -> Iterator[AnyDisruption]:
    yield Act(at=at, action="roll_back", deployment_id=chance.randint(1, len(scenario.orders) + 1))


def _undo_and_abort(chance: Random, scenario: Scenario, at: float) -> Iterator[AnyDisruption]:
    """Roll back, think better of it, and perhaps roll back once more."""
    named = chance.choice((None, None, chance.randint(1, len(scenario.orders))))
    yield Act(at=at, action="roll_back", deployment_id=named)
    aborted_at = at + chance.choice((0.2, 1.0, 4.0))
    yield Act(at=aborted_at, action="abort")
    if chance.random() < 0.6:
        yield Act(at=aborted_at + chance.uniform(0.5, 8), action="roll_back", deployment_id=named)


def _abort(chance: Random, _: Scenario, at: float) -> Iterator[AnyDisruption]:
    """Stop whatever is in flight, perhaps in the middle of a further attempt."""
    yield Act(at=at, action="abort", rollback=chance.random() < 0.3)


DRAWS: tuple[Draw, ...] = (_reimage, _reimage, _undo_named, _undo_and_abort, _undo_and_abort, _abort)
