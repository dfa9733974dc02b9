"""What operators do with deployments: trigger, pause, resume, abort, roll back. Each is one unit of work."""

from collections.abc import Mapping, Sequence

import msgspec

from dides.coordinator.transactions import convergence, outages
from dides.coordinator.transactions.plan_writer import MOST_NAMED, record_wave, reinstate, write_ending
from dides.coordinator.transactions.preconditions import in_flight
from dides.coordinator.transactions.record import record_event
from dides.coordinator.transactions.step import Stepped, begin_rollback, settle_reported, step_of
from dides.coordinator.transactions.undo import to_undo
from dides.engine.availability import is_unavailable
from dides.engine.limits import limits_of
from dides.engine.ordering import in_order
from dides.engine.rollback import Standing, is_a_rollback
from dides.engine.waves import promoted, why_not_promoted
from dides.model.deployment import Deployment, DeploymentStatus, Kind, TargetState, Timers
from dides.model.errors import ConflictError, FieldError, InFlightError, InvalidError
from dides.model.instance import Matched
from dides.model.plan import Ending
from dides.model.policy import Policy
from dides.model.selector import Selector
from dides.model.state import State, Status
from dides.store.interface import Transaction
from dides.store.records import NewDeployment, NewTarget

KEEP_KEYS_MS = 24 * 60 * 60 * 1000


class DeployCommand(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator asks for."""

    to: State
    labels: Mapping[str, str]
    selector_text: str | None
    selector: Selector
    """Both the labels and the text."""
    policy: Policy
    actor: str


class Key(msgspec.Struct, frozen=True):
    """An idempotency key, and the hash of the body that came with it."""

    text: str
    body_hash: bytes


class Triggered(msgspec.Struct):
    """A deployment, whether this request made it, and what its first step did."""

    deployment: Deployment
    created: bool
    stepped: Stepped | None


def trigger(tx: Transaction, command: DeployCommand, key: Key | None, quiet_until: int) -> Triggered:
    """Store a deployment and take its first step.

    Raises InFlightError while another is in flight, InvalidError when nothing matches, or when the key came before
    with another body. A key that came before with this body answers with what it made.
    """
    if key and (earlier := _made_by(tx, key, command.actor)):
        return Triggered(earlier, created=False, stepped=None)
    if other := tx.deployments.in_flight():
        raise InFlightError(other.id)
    deployment = _create(tx, command)
    if key:
        tx.keys.remember(command.actor, key.text, key.body_hash, deployment.id, tx.now)
    stepped = step_of(tx, deployment, quiet_until)
    return Triggered(stepped.deployment, created=True, stepped=stepped)


def pause(tx: Transaction, actor: str, expected_id: int | None = None) -> Deployment:
    """Start no further updates; repeating it changes nothing. The errors of `in_flight`."""
    deployment = in_flight(tx, expected_id)
    if deployment.status is DeploymentStatus.PAUSED:
        return deployment
    record_event(tx, "deployment.paused", actor, deployment_id=deployment.id)
    return tx.deployments.save(msgspec.structs.replace(deployment, status=DeploymentStatus.PAUSED, paused_at=tx.now))


def resume(tx: Transaction, actor: str, expected_id: int | None = None) -> Deployment:
    """Go on after a pause, or in an outage; deadlines have stood still. Repeating it changes nothing.

    The errors of `in_flight`.
    """
    deployment = in_flight(tx, expected_id)
    if deployment.status is DeploymentStatus.RUNNING and not deployment.held_by_outage:
        return deployment
    return tx.deployments.save(outages.resume(tx, deployment, actor))


def promote(tx: Transaction, actor: str, quiet_until: int, *, expected_id: int | None = None) -> Stepped:
    """Promote the done wave of a deployment, and take the next step.

    The errors of `in_flight`, and ConflictError when no wave waits. What heartbeats have said of the open
    wave is judged first, by its own threshold.
    """
    before = step_of(tx, in_flight(tx, expected_id), quiet_until)
    deployment = before.deployment
    if not deployment.in_flight:
        return before
    if reason := why_not_promoted(deployment):
        raise ConflictError(reason)
    changed = promoted(deployment, tx.now)
    data: dict[str, object] = {"wave": deployment.wave.open}
    if deployment.wave.lapsed and changed.wave != deployment.wave:
        data["passed_over"] = tx.targets.lapsed(deployment.id, deployment.wave.open, MOST_NAMED)
    record_event(tx, "wave.promoted", actor, deployment_id=deployment.id, data=data)
    record_wave(tx, deployment, changed)
    after = step_of(tx, tx.deployments.save(changed), quiet_until)
    return msgspec.structs.replace(after, assigned=before.assigned | after.assigned)


def abort(tx: Transaction, actor: str, quiet_until: int, *, rollback: bool, expected_id: int | None = None) -> Stepped:
    """Stop the deployment in flight, and undo it when asked to.

    The errors of `in_flight`, and ConflictError when a rollback would be rolled back.
    """
    deployment = in_flight(tx, expected_id)
    if rollback and (reason := is_a_rollback(Standing(deployment=deployment))):
        raise ConflictError(reason)
    assigned, deployment = _stop(tx, deployment, actor, f"aborted by {actor}")
    if not rollback:
        return Stepped(deployment, assigned, ended=(deployment,))
    stepped, _ = begin_rollback(tx, deployment, assigned, quiet_until, actor)
    stepped.ended = (deployment, *stepped.ended)
    return stepped


def roll_back(tx: Transaction, actor: str, quiet_until: int, *, deployment_id: int | None = None) -> Stepped:
    """Undo the deployment that is named, else what is in flight, which is stopped, else the newest; see `to_undo`.

    Answers with the rollback. The errors of `to_undo`.
    """
    undone = to_undo(tx, deployment_id)
    assigned: set[str] = set()
    stopped: tuple[Deployment, ...] = ()
    if undone.in_flight:
        assigned, undone = _stop(tx, undone, actor, f"stopped by {actor}, who rolled it back")
        stopped = (undone,)
    stepped, rollback = begin_rollback(tx, undone, assigned, quiet_until, actor)
    return msgspec.structs.replace(stepped, deployment=rollback, ended=(*stopped, *stepped.ended))


def matched_by(tx: Transaction, command: DeployCommand) -> list[Matched]:
    """Return the instances that a command is for; InvalidError when there are none."""
    if matched := tx.inventory.matching(command.selector, command.policy.spread_by):
        return matched
    field = "selector" if command.selector_text else "labels"
    raise InvalidError(FieldError(field, "matches no instance; list what there is with GET /inventory/instances"))


def _made_by(tx: Transaction, key: Key, actor: str) -> Deployment | None:
    remembered = tx.keys.remembered(actor, key.text, tx.now - KEEP_KEYS_MS)
    if remembered is None:
        return None
    body_hash, deployment_id = remembered
    if body_hash != key.body_hash:
        raise InvalidError(
            FieldError(
                "Idempotency-Key", f"came before with another body, for deployment {deployment_id}; use a new key"
            )
        )
    return tx.deployments.get(deployment_id)


def _create(tx: Transaction, command: DeployCommand) -> Deployment:
    matched = matched_by(tx, command)
    deployment = tx.deployments.create(_new(tx, command, matched))
    ordered = in_order(matched, command.policy, deployment.id)
    brake = deployment.max_unavailable is not None
    targets = [
        NewTarget(
            instance.id,
            instance.name,
            command.to,
            instance.current,
            instance.spread,
            brake and instance.status is not Status.HEALTHY,
        )
        for instance in ordered
    ]
    tx.targets.create(deployment.id, targets)
    data = {
        "to": msgspec.to_builtins(command.to),
        "targets": len(targets),
        "policy": msgspec.to_builtins(command.policy),
    }
    record_event(tx, "deployment.triggered", command.actor, deployment_id=deployment.id, data=data)
    return deployment


def _new(tx: Transaction, command: DeployCommand, matched: Sequence[Matched]) -> NewDeployment:
    policy, limits = command.policy, limits_of(command.policy, matched)
    unavailable = sum(is_unavailable(TargetState.PENDING, instance.status) for instance in matched)
    return NewDeployment(
        kind=Kind.DEPLOY,
        to=command.to,
        labels=command.labels,
        selector=command.selector_text,
        policy=policy,
        **msgspec.structs.asdict(limits),
        total=len(matched),
        unavailable=0 if limits.max_unavailable is None else unavailable,
        spread={} if limits.share is None else dict.fromkeys(sorted({instance.spread for instance in matched}), 0),
        timers=Timers(deadline_at=None if policy.deadline_ms is None else tx.now + policy.deadline_ms),
        created_at=tx.now,
        created_by=command.actor,
    )


def _stop(tx: Transaction, deployment: Deployment, actor: str, reason: str) -> tuple[set[str], Deployment]:
    aborted = Ending(status=DeploymentStatus.ABORTED, reason=reason, stop=True)
    stopped, restored = write_ending(tx, settle_reported(tx, deployment), aborted, actor)
    if stopped.kind is Kind.ROLLBACK:
        convergence.inherit_again(tx, reinstate(tx, stopped))
    return restored, stopped
