"""The targets of a deployment as arrays, for a chart that a browser draws. Moments are ms since the trigger."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from dides.api.serializers import target_view
from dides.model.deployment import Deployment, Target, TargetState
from dides.store.interface import Transaction
from dides.store.records import Event
from dides.text.format import plural, state

MOST_TARGETS = 5000
"""How many are sent at most: beyond them a browser is slow, and nobody sees more."""
MOST_EVENTS = 20_000
"""How many events are looked through for pauses and earlier attempts; of a larger deployment they are not shown."""
MOST_NAMES = 200
STATES = tuple(target_state.value for target_state in TargetState)


class Timeline(msgspec.Struct, kw_only=True):
    """What is sent. `targets` has one array each, see `_row`."""

    id: int
    now: int
    began: int
    """When it was triggered (ms since 1970-01-01 UTC); every other moment is counted from there."""
    ended: int | None
    total: int
    note: str = ""
    """Why some targets are not here."""
    states: Sequence[str] = STATES
    texts: list[str]
    """Reasons and versions, which targets share; arrays have their index."""
    targets: list[list[Any]]
    pauses: list[list[int | None]] = []
    """When each pause began and ended; null: it lasts."""
    waves: int
    """How many there are."""


class Texts:
    """Numbers texts in the order in which they turn up."""

    def __init__(self) -> None:
        self._index: dict[str, int] = {}

    def index(self, text: str) -> int:
        """Return the index of a text."""
        return self._index.setdefault(text, len(self._index))

    @property
    def all(self) -> list[str]:
        """All of them, by index."""
        return list(self._index)


def whole(tx: Transaction, deployment: Deployment) -> Timeline:
    """Return the timeline of a deployment, with the targets that matter most when there are too many."""
    found = _longest(tx, deployment)
    happened = _events(tx, deployment)
    note = ""
    if len(found) < deployment.counts.total:
        note = (
            f"{plural(len(found), 'target')} of {deployment.counts.total:,} are shown: the failed and the updating "
            "ones, then those that come first in the order. "
            f"GET /deployments/{deployment.id}/instances has them all."
        )
    timeline = _timeline(tx, deployment, found, _assignments(happened))
    timeline.note = note
    timeline.pauses = _pauses(happened, deployment.created_at)
    return timeline


def some(tx: Transaction, deployment: Deployment, names: Iterable[str]) -> Timeline:
    """Return the targets of these instances, without what happened to the deployment as a whole."""
    ids = [instance.id for instance in tx.inventory.many(list(names)[:MOST_NAMES]).values()]
    return _timeline(tx, deployment, tx.targets.of(deployment.id, ids), {})


def _longest(tx: Transaction, deployment: Deployment) -> list[Target]:
    found = tx.targets.page(deployment.id, None, 0, MOST_TARGETS)
    if len(found) < deployment.counts.total:
        failed = tx.targets.page(deployment.id, TargetState.FAILED, 0, MOST_TARGETS)
        updating = tx.targets.page(deployment.id, TargetState.UPDATING, 0, MOST_TARGETS)
        first = {target.id: target for target in (*failed, *updating, *found)}
        found = sorted(list(first.values())[:MOST_TARGETS], key=lambda target: target.position)
    return found


def _events(tx: Transaction, deployment: Deployment) -> list[Event]:
    return tx.events.page(deployment.id, None, MOST_EVENTS) if deployment.counts.total <= MOST_TARGETS else []


def _timeline(
    tx: Transaction, deployment: Deployment, found: Sequence[Target], assignments: dict[str, list[int]]
) -> Timeline:
    texts, began = Texts(), deployment.created_at
    rows = [_row(target, began, texts, assignments.get(target.instance, [])) for target in found]
    return Timeline(
        id=deployment.id,
        now=tx.now - began,
        began=began,
        ended=_since(deployment.finished_at, began),
        total=deployment.counts.total,
        waves=len(deployment.waves),
        texts=texts.all,
        targets=rows,
    )


def _row(target: Target, began: int, texts: Texts, assignments: Sequence[int]) -> list[Any]:
    """Return a target as an array, in the order that assets/timeline/model.js knows."""
    earlier = [at - began for at in assignments[: target.attempt - 1]] if target.attempt > 1 else []
    return [
        target.id,
        target.position,
        target.instance,
        STATES.index(target.state.value),
        target.wave,
        _since(target.assigned_at, began),
        _since(target.finished_at, began),
        target.attempt,
        texts.index(state(target.before, "")),
        texts.index(state(target.to, "")),
        texts.index(target_view(target).reason if target.state is TargetState.UPDATING else target.reason),
        target.message or (target.report.message if target.report else ""),
        earlier,
    ]


def _since(moment: int | None, began: int) -> int | None:
    return None if moment is None else moment - began


def _assignments(happened: Iterable[Event]) -> dict[str, list[int]]:
    """Return when updates of each instance started (ms), by name."""
    assignments: dict[str, list[int]] = {}
    for event in happened:
        if event.kind == "target.assigned" and event.instance is not None:
            assignments.setdefault(event.instance, []).append(event.at)
    return assignments


def _pauses(happened: Iterable[Event], began: int) -> list[list[int | None]]:
    pauses: list[list[int | None]] = []
    for event in happened:
        if event.kind == "deployment.paused":
            pauses.append([event.at - began, None])
        elif pauses and pauses[-1][1] is None and event.kind.startswith("deployment."):
            pauses[-1][1] = event.at - began
    return pauses
