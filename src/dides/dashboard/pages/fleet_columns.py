"""The fleet as columns: what a browser needs to draw ten thousand instances, in a few bytes for each."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from dides.dashboard.version_marks import VersionMarks
from dides.model.deployment import TargetState
from dides.model.instance import Matched
from dides.model.selector import Selector
from dides.protocol.fields import SelectorText
from dides.protocol.messages import Request
from dides.store.interface import Transaction
from dides.text.format import state

UNREACHABLE, UPDATING, DIFFERS = 4, 8, 16
"""Added to the number of the status: it has fallen silent; it is an updating target; it is not where it should be."""


class FleetQuery(Request, frozen=True):
    """Which instances, and the label that groups them."""

    selector: SelectorText = ""
    group: Annotated[str, Meta(max_length=320, description="The key of a label.")] = ""
    names: (
        Annotated[str, Meta(max_length=60_000, description="Only these of them, separated by commas.")] | UnsetType
    ) = UNSET


class Columns(msgspec.Struct, frozen=True):
    """The matching instances by name. All columns are of one length, and numbers in them are places in tables."""

    total: int
    """How many instances there are, whatever the selector matches."""
    keys: list[str]
    """The keys of all labels; none where only some instances were asked for."""
    versions: list[str]
    """A table: what instances run; "" for those that have not said."""
    marks: dict[str, int]
    """Which versions of the fleet have a mark of their own, and which."""
    groups: list[str]
    """A table: the values of the label; "" for those without it."""
    names: list[str]
    states: list[int]
    """The number of the status, plus UNREACHABLE, UPDATING and DIFFERS."""
    version_of: list[int]
    group_of: list[int]


def columns_of(tx: Transaction, query: FleetQuery, selector: Selector, total: int, marks: VersionMarks) -> Columns:
    """Return the instances that a selector matches as columns; `total` is how many there are in all."""
    if query.names is UNSET:
        found = sorted(tx.inventory.matching(selector, query.group or None), key=lambda instance: instance.name)
        updating = _updating(tx, None)
        settled = marks.settle(_counts(found), whole=not query.selector)
        return _columns(found, updating, total, tx.inventory.label_keys(), settled)
    found = list(_named(tx, query.names.split(","), selector, query.group))
    settled = marks.settle(_counts(found), whole=False)
    return _columns(found, _updating(tx, [instance.id for instance in found]), total, [], settled)


def _counts(found: list[Matched]) -> Counter[str]:
    """Return how many instances run each version."""
    by_state = Counter(instance.current for instance in found)
    return Counter({state(its, ""): number for its, number in by_state.items()})


def _columns(found: list[Matched], updating: set[str], total: int, keys: list[str], marks: dict[str, int]) -> Columns:
    versions = {version: number for number, version in enumerate(dict.fromkeys(instance.current for instance in found))}
    groups = {group: number for number, group in enumerate(dict.fromkeys(instance.spread for instance in found))}
    return Columns(
        total=total,
        keys=keys,
        versions=[state(version, "") for version in versions],
        marks=marks,
        groups=list(groups),
        names=[instance.name for instance in found],
        states=[_state_of(instance, updating=instance.name in updating) for instance in found],
        version_of=[versions[instance.current] for instance in found],
        group_of=[groups[instance.spread] for instance in found],
    )


def _state_of(instance: Matched, *, updating: bool) -> int:
    number = int(instance.status)
    if not instance.reachable:
        number += UNREACHABLE
    if updating:
        return number + UPDATING
    differs = not instance.current.empty and not instance.current.meets(instance.desired)
    return number + (DIFFERS if differs else 0)


def _named(tx: Transaction, names: Iterable[str], selector: Selector, group: str) -> Iterator[Matched]:
    """Yield those of the named instances that exist and match."""
    for name, its in sorted(tx.inventory.many(names).items()):
        if selector.matches(its.labels):
            spread = its.labels.get(group, "")
            yield Matched(its.id, name, its.current, its.status, its.reachable, its.desired, spread)


def _updating(tx: Transaction, ids: list[int] | None) -> set[str]:
    """Return the names of the updating targets, or of those of them with these ids."""
    deployment = tx.deployments.in_flight()
    if deployment is None:
        return set()
    targets = tx.targets.updating(deployment.id) if ids is None else tx.targets.of(deployment.id, ids)
    return {target.instance for target in targets if target.state is TargetState.UPDATING}
