"""Whether what an operator is about to act on is still the deployment that the operator has looked at."""

from dides.model.deployment import Deployment
from dides.model.errors import ConflictError, NotFoundError
from dides.store.interface import Transaction

NOTHING_IN_FLIGHT = "No deployment is in flight."


def in_flight(tx: Transaction, expected_id: int | None = None) -> Deployment:
    """Return the deployment in flight; with `expected_id` no other one than that will do.

    NotFoundError when there is none; with `expected_id` ConflictError, which says what became of it.
    """
    deployment = tx.deployments.in_flight()
    if expected_id is not None and (deployment is None or deployment.id != expected_id):
        raise ConflictError(_what_became_of(existing(tx, expected_id), deployment))
    if deployment is None:
        raise NotFoundError(NOTHING_IN_FLIGHT)
    return deployment


def _what_became_of(expected: Deployment, deployment: Deployment | None) -> str:
    state = expected.status.value
    ended = f"Deployment {expected.id} is no longer in flight: it is {state}. Nothing was changed."
    if deployment is None:
        return ended
    kind = f"rollback {deployment.id}" if deployment.rollback_of == expected.id else f"deployment {deployment.id}"
    return f"{ended} In flight is {kind} by now; look at that one first."


def existing(tx: Transaction, deployment_id: int) -> Deployment:
    """Return a deployment by its number; NotFoundError."""
    if found := tx.deployments.get(deployment_id):
        return found
    raise NotFoundError(f"There is no deployment {deployment_id}.")
