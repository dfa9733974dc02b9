"""The events of a unit of work."""

from collections.abc import Mapping

from dides.model.actor import SYSTEM
from dides.store.interface import Transaction
from dides.store.records import Event


def record_event(
    tx: Transaction,
    kind: str,
    actor: str = SYSTEM,
    *,
    deployment_id: int | None = None,
    instance: str | None = None,
    data: Mapping[str, object] | None = None,
) -> None:
    """Append one event to the log, in the transaction of what it tells."""
    tx.events.append([event(tx, kind, actor, deployment_id=deployment_id, instance=instance, data=data)])


def event(
    tx: Transaction,
    kind: str,
    actor: str = SYSTEM,
    *,
    deployment_id: int | None = None,
    instance: str | None = None,
    data: Mapping[str, object] | None = None,
) -> Event:
    """Return an event at the time of the transaction."""
    return Event(
        at=tx.now, kind=kind, actor=actor, deployment_id=deployment_id, instance=instance, data=dict(data or {})
    )
