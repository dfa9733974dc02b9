"""Which deployment a rollback undoes, and whether it may be undone now."""

from dides.coordinator.transactions.preconditions import existing
from dides.engine.rollback import Standing, repeats, undo, why_not
from dides.model.deployment import Deployment, Kind
from dides.model.errors import ConflictError, InFlightError, NotFoundError
from dides.model.plan import Undo
from dides.store.interface import Transaction

NOTHING_DEPLOYED = "Nothing was ever deployed, so there is nothing to roll back."


def to_undo(tx: Transaction, deployment_id: int | None = None) -> Deployment:
    """Return the deployment that is named, else the one in flight, else the newest that has something to undo.

    NotFoundError when there is none; ConflictError when it may not be undone now, or another one is in flight.
    """
    deployment = _default(tx) if deployment_id is None else existing(tx, deployment_id)
    if refused := refusal(tx, deployment):
        raise refused
    return deployment


def refusal(tx: Transaction, deployment: Deployment) -> ConflictError | None:
    """Return why a deployment may not be undone now; None when it may."""
    in_flight = tx.deployments.in_flight()
    if in_flight and deployment.id not in (in_flight.id, in_flight.rollback_of):
        return InFlightError(in_flight.id)
    reason = why_not(_standing(tx, deployment))
    return ConflictError(reason) if reason else None


def withdrawn_with(tx: Transaction, undone: Deployment) -> list[Deployment]:
    """Return the later deployments that are withdrawn together with one, because they have only repeated it."""
    later = tx.deployments.later_than(undone.id)
    return [
        deployment
        for deployment in later
        if repeats(deployment, undone, has_assigned=tx.targets.any_assigned(deployment.id))
    ]


def undos_of(tx: Transaction, undone: Deployment) -> tuple[Undo, ...]:
    """Return what a rollback of a deployment would do, in its order."""
    restored = tx.targets.restored(undone.id) if undone.rolled_back_by else frozenset()
    return undo(touched for touched in tx.targets.touched(undone.id) if touched.instance.id not in restored)


def _default(tx: Transaction) -> Deployment:
    if found := tx.deployments.in_flight() or tx.deployments.newest_to_undo():
        return found
    newest = tx.deployments.newest(Kind.DEPLOY)
    if newest is None:
        raise NotFoundError(NOTHING_DEPLOYED)
    raise ConflictError(
        "Every deployment that assigned anything is undone. Where a rollback failed, name what it undid to return the "
        f"instances that it did not, such as: dides rollback {newest.id}"
    )


def _standing(tx: Transaction, deployment: Deployment) -> Standing:
    repeated = {withdrawn.id for withdrawn in withdrawn_with(tx, deployment)}
    later = [newer.id for newer in tx.deployments.later_than(deployment.id) if newer.id not in repeated]
    return Standing(
        deployment=deployment,
        rollback=tx.deployments.get(deployment.rolled_back_by) if deployment.rolled_back_by else None,
        has_assigned=tx.targets.any_assigned(deployment.id) or tx.heirs.any(deployment.id),
        later=tx.targets.taken_over_by(deployment.id, later),
    )
