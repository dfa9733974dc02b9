"""The simulated fleet of a rehearsal: how many instances there are of each kind, in a drawn order."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from random import Random

import msgspec

from dides.model.instance import Instance
from dides.model.state import State, Status

OLD, NEW = State("old"), State("new")
"""What the instances run, and what the rehearsed rollout brings."""


class Condition(StrEnum):
    """How an instance is when the rollout is triggered."""

    BEHIND = "behind"
    """HEALTHY at the old version: the usual case."""
    THERE = "there"
    """HEALTHY at the target already."""
    UNHEALTHY = "unhealthy"
    """Reachable, but not HEALTHY."""
    UNREACHABLE = "unreachable"
    """Silent; it stays so."""


class Group(msgspec.Struct, frozen=True):
    """So many instances of one kind."""

    number: int
    condition: Condition = Condition.BEHIND
    spread: str = ""
    """Their value of the label that the rollout spreads by."""


def size_of(fleet: Sequence[Group], *conditions: Condition) -> int:
    """Return how many instances of these conditions there are; of any when none is named."""
    return sum(group.number for group in fleet if not conditions or group.condition in conditions)


def arrange(fleet: Sequence[Group], seed: int) -> list[Group]:
    """Return one group for each instance in the order of their numbers; which comes where is drawn by the seed."""
    places = [group for group in fleet for _ in range(group.number)]
    if len(fleet) > 1:
        Random(f"{seed} fleet").shuffle(places)  # noqa: S311 - a simulation, no secret
    return places


def instances_of(places: Sequence[Group]) -> list[Instance]:
    """Return the instances, numbered from 1; their names have the order of their numbers."""
    digits = len(str(len(places)))
    return [_instance(number, digits, group.condition) for number, group in enumerate(places, start=1)]


def spread_of(places: Sequence[Group]) -> Mapping[int, str]:
    """Return each instance's value of the label that the rollout spreads by."""
    return {number: group.spread for number, group in enumerate(places, start=1)}


def _instance(number: int, digits: int, condition: Condition) -> Instance:
    return Instance(
        id=number,
        name=f"instance-{number:0{digits}}",
        ip="",
        labels={},
        registered_at=0,
        status=_STATUS[condition],
        current=NEW if condition is Condition.THERE else OLD,
        last_good=OLD,
        reachable=condition is not Condition.UNREACHABLE,
    )


_STATUS = {
    Condition.BEHIND: Status.HEALTHY,
    Condition.THERE: Status.HEALTHY,
    Condition.UNHEALTHY: Status.DEGRADED,
    Condition.UNREACHABLE: Status.UNKNOWN,
}
