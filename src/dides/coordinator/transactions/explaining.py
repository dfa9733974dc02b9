"""Reads what the engine needs to explain why an instance was updated, or was not."""

from dides.coordinator.transactions.registration import target_in
from dides.engine.explanation import explain
from dides.model.deployment import Deployment, Kind
from dides.model.explanation import Explanation, Facts, Inheriting, Part
from dides.model.instance import Instance
from dides.store.interface import Transaction


def explain_instance(
    tx: Transaction, instance: Instance, *, heard_at: int | None, refused_until: int | None = None
) -> Explanation:
    """Return why the newest deployment has updated an instance, or has not.

    Moments are milliseconds since 1970-01-01 UTC: when the instance was heard of last, and until when its requests
    are refused because it has sent too many.
    """
    newest = _newest(tx)
    number = newest.rolled_back_by if newest and newest.withdrawn else None
    rollback = None if number is None else tx.deployments.get(number)
    return explain(
        Facts(
            now=tx.now,
            instance=instance,
            heard_at=heard_at,
            refused_until=refused_until,
            newest=_part(tx, newest, instance),
            rollback=_part(tx, rollback, instance),
            inheriting=_inheriting(tx, instance),
        )
    )


def _newest(tx: Transaction) -> Deployment | None:
    """Return the deployment in flight, or the deployment that it undoes; without one the newest deployment."""
    in_flight = tx.deployments.in_flight()
    if in_flight is None:
        return tx.deployments.newest(Kind.DEPLOY)
    return in_flight if in_flight.rollback_of is None else tx.deployments.get(in_flight.rollback_of)


def _part(tx: Transaction, deployment: Deployment | None, instance: Instance) -> Part | None:
    return None if deployment is None else Part(deployment, target_in(tx, deployment, instance))


def _inheriting(tx: Transaction, instance: Instance) -> Inheriting | None:
    place = next(iter(tx.convergences.of([instance.id])), None)
    source = None if place is None else tx.deployments.get(place.source_id)
    return None if place is None or source is None else Inheriting(source, place.assigned_at, place.deadline_at)
