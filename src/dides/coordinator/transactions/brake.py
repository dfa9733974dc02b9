"""How convergence stands, source by source, and how an operator lets it go on after it has stopped."""

from collections.abc import Iterable

import msgspec

from dides.coordinator.transactions import convergence
from dides.coordinator.transactions.preconditions import existing
from dides.coordinator.transactions.record import record_event
from dides.engine.brake import is_stopped, released, replaces
from dides.engine.inheritance import may_be_inherited
from dides.model.deployment import Deployment
from dides.model.errors import ConflictError, NotFoundError
from dides.store.interface import Transaction

NOTHING_STOPPED = "Convergence has not stopped, so there is nothing to resume."


class Converging(msgspec.Struct, frozen=True):
    """A deployment whose state instances inherit, or would if that had not stopped."""

    source: Deployment
    waiting: int
    """How many instances wait for it."""
    converging: int
    """How many are on their way to it."""


def converging(tx: Transaction) -> list[Converging]:
    """Return the sources for which instances wait, to which they are on their way, or that have stopped; newest first.

    One that has stopped, and that nobody inherits from any more, is left out.
    """
    numbers = tx.convergences.numbers()
    found = {source.id: source for source in stopped_sources(tx)}
    for source_id in numbers.keys() - found.keys():
        found[source_id] = existing(tx, source_id)
    return [Converging(found[number], *numbers.get(number, (0, 0))) for number in sorted(found, reverse=True)]


def resume(tx: Transaction, actor: str, source_id: int | None = None) -> Converging:
    """Let convergence from a source go on, and tell who has room; return how it stands then. It may be repeated.

    Without a number the only one that has stopped is meant: NotFoundError when there is none, ConflictError when there
    are several. NotFoundError for a deployment that there is not.
    """
    source = _only(stopped_sources(tx)) if source_id is None else existing(tx, source_id)
    if is_stopped(source):
        record_event(tx, "convergence.resumed", actor, deployment_id=source.id)
        source = tx.deployments.save(released(source))
        convergence.admit(tx)
    return Converging(source, *tx.convergences.numbers().get(source.id, (0, 0)))


def stopped_sources(tx: Transaction) -> list[Deployment]:
    """Return the deployments from which convergence has stopped, newest first, and somebody still inherits."""
    stopped = tx.deployments.stopped_converging()
    if not stopped:
        return []
    newest, waited_for = tx.deployments.newest_completed(), set(tx.convergences.sources())
    newest = [deployment for deployment in newest if may_be_inherited(deployment)]
    return [
        source for source in stopped if source.id in waited_for or not any(replaces(newer, source) for newer in newest)
    ]


def _only(stopped: Iterable[Deployment]) -> Deployment:
    several = tuple(stopped)
    if not several:
        raise NotFoundError(NOTHING_STOPPED)
    if len(several) > 1:
        numbers = ", ".join(str(source.id) for source in several)
        raise ConflictError(f"Convergence has stopped from several deployments: {numbers}. Say which one is to go on.")
    return several[0]
