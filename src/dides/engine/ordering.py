"""The fixed order of a deployment's targets."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable

from dides.model.instance import Matched
from dides.model.policy import Ordering, Policy


def in_order(instances: Iterable[Matched], policy: Policy, deployment_id: int) -> list[Matched]:
    """Return the matched instances in the order in which they will be told.

    By name, or shuffled; then, with `spread_by`, one of each value of the label in turn.
    """
    if policy.order is Ordering.SHUFFLE:
        ordered = sorted(instances, key=lambda instance: _shuffled(instance.name, deployment_id))
    else:
        ordered = sorted(instances, key=lambda instance: instance.name)
    return ordered if policy.spread_by is None else _in_turn(ordered)


def _shuffled(name: str, seed: int) -> bytes:
    """Return a place that is the same whenever and wherever it is asked for, and another in each deployment."""
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()


def _in_turn(ordered: Iterable[Matched]) -> list[Matched]:
    """Return the first of each value, then the second of each, and so on; values by name."""
    place: defaultdict[str, int] = defaultdict(int)
    turns = []
    for instance in ordered:
        turns.append((place[instance.spread], instance.spread, instance))
        place[instance.spread] += 1
    return [instance for _, _, instance in sorted(turns, key=lambda turn: turn[:2])]
