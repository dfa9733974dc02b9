"""Who is in the fleet: registration, labels, decommission. Each is one unit of work."""

from collections.abc import Mapping

import msgspec

from dides.coordinator.credentials import same
from dides.coordinator.transactions import convergence
from dides.coordinator.transactions.record import record_event
from dides.coordinator.transactions.step import settle_reported
from dides.coordinator.transactions.target_reports import end_success
from dides.engine.applying import WITHOUT_A_SLOT
from dides.engine.counters import with_joined, without
from dides.engine.inheritance import inherits_beside, may_be_joined
from dides.engine.lapse import after_decommission
from dides.model.actor import instance_actor
from dides.model.deployment import Deployment, Target, TargetState
from dides.model.errors import ConflictError, GoneError, NotFoundError, UnauthorizedError
from dides.model.instance import Instance
from dides.model.labels import labels_of, owned_after
from dides.model.selector import parse_selector
from dides.model.sessions import NO_SESSIONS
from dides.model.state import NOTHING, Status
from dides.store.interface import Transaction
from dides.store.records import NewAssignment, NewTarget


class Newcomer(msgspec.Struct, frozen=True, kw_only=True):
    """What an instance says of itself when it registers."""

    name: str
    ip: str
    labels: Mapping[str, str]
    presented: bytes | None
    """The hash of the credential that came with the request."""
    credential: bytes
    """The hash of the credential that it is given, unless it proves to be the instance that is known."""
    has_token: bool = True
    """It has shown the registration token."""


class Joined(msgspec.Struct):
    """A registered instance."""

    instance: Instance
    created: bool
    itself: bool
    """It has proved to be the instance that was known, and keeps its credential."""
    step_due: bool
    """It joined the deployment in flight."""
    assigned: set[str]
    """Instances told what they have missed, because it was their turn."""
    converging: bool
    """It waits for, or is on its way to, what it has missed."""


def register(tx: Transaction, newcomer: Newcomer) -> Joined:
    """Add an instance, or let one take up its name again; then it inherits.

    ConflictError when the name belongs to a live instance and the request does not prove to be that one;
    UnauthorizedError when it proves nothing at all; GoneError for the credential of a decommissioned one, whose agent
    must not bring it back by itself.
    """
    if newcomer.presented and (former := tx.inventory.decommissioned(newcomer.presented)):
        raise GoneError(f"The instance {former} was decommissioned; without its old credential it may register anew.")
    known = tx.inventory.get(newcomer.name)
    itself = known is not None and same(newcomer.presented, tx.inventory.credential_of(known.name))
    if not (itself or newcomer.has_token):
        raise UnauthorizedError(f"Only {newcomer.name} itself, with its own credential, registers without the token.")
    instance = _add(tx, newcomer) if known is None else _take_up(tx, known, newcomer, itself=itself)
    replaced = known is not None and not itself and end_success(tx, instance)
    assigned = set() if known is None or itself else _forget_desired(tx, instance)
    joined = _join_in_flight(tx, existing(tx, instance.name))
    assigned |= _inherit(tx, existing(tx, instance.name), new=not itself)
    joined_as = existing(tx, instance.name)
    converging = bool(tx.convergences.of([joined_as.id]))
    return Joined(
        joined_as, known is None, itself, step_due=joined or replaced, assigned=assigned, converging=converging
    )


def relabel(tx: Transaction, name: str, labels: Mapping[str, str], actor: str) -> Instance:
    """Replace an instance's labels. It moves no target, and does not count as a report. NotFoundError.

    What this changes is the operator's from now on: no registration changes it back.
    """
    instance = existing(tx, name)
    owned = owned_after(instance.labels, labels, instance.owned)
    changed = msgspec.structs.replace(instance, labels=labels, owned=owned)
    if instance.labels != labels:
        tx.inventory.relabel(changed)
        record_event(tx, "instance.relabelled", actor, instance=name, data={"labels": dict(labels)})
    return changed


def decommission(tx: Transaction, name: str, actor: str, *, force: bool) -> bool:
    """Remove an instance; return whether that makes a step due. NotFoundError; ConflictError while it updates.

    An unfinished target leaves the total; a finished one stays, so that failures are never forgotten.
    """
    instance = existing(tx, name)
    deployment = tx.deployments.in_flight()
    target = target_in(tx, deployment, instance)
    if deployment and target and target.state is TargetState.UPDATING:
        deployment = settle_reported(tx, deployment)
        target = target_in(tx, deployment, instance)
    if target and target.state is TargetState.UPDATING and not force:
        raise ConflictError(f"{name} is being updated. Wait until it is done, or insist with ?force=true.")
    if deployment and target:
        _withdraw(tx, deployment, target)
    tx.targets.detach(instance.id)
    tx.inventory.remove(instance, tx.now)
    record_event(tx, "instance.decommissioned", actor, instance=name)
    return deployment is not None


def existing(tx: Transaction, name: str) -> Instance:
    """Return an instance by name; NotFoundError."""
    if instance := tx.inventory.get(name):
        return instance
    raise NotFoundError(f"There is no instance {name}. List what there is with GET /inventory/instances.")


def target_in(tx: Transaction, deployment: Deployment | None, instance: Instance) -> Target | None:
    """Return the instance's target in a deployment, if there is one."""
    if deployment is None:
        return None
    return next(iter(tx.targets.of(deployment.id, [instance.id])), None)


def _add(tx: Transaction, newcomer: Newcomer) -> Instance:
    new = Instance(id=0, name=newcomer.name, ip=newcomer.ip, labels=newcomer.labels, registered_at=tx.now)
    stored = tx.inventory.add(new, newcomer.credential)
    record_event(
        tx, "instance.registered", instance_actor(newcomer.name), instance=newcomer.name, data={"ip": newcomer.ip}
    )
    return stored


def _take_up(tx: Transaction, known: Instance, newcomer: Newcomer, *, itself: bool) -> Instance:
    if known.reachable and not itself:
        raise ConflictError(
            f"The name {known.name} is taken by a live instance. Present its credential, wait until it has been "
            "silent for its time to live, decommission it, or choose another name."
        )
    labels = labels_of(newcomer.labels, known.owned)
    changed = msgspec.structs.replace(known, ip=newcomer.ip, labels=labels, registered_at=tx.now, reachable=True)
    if not itself:
        # Another machine under an old name: what the earlier one ran says nothing about it.
        changed = msgspec.structs.replace(
            changed,
            status=Status.UNKNOWN,
            current=NOTHING,
            last_good=None,
            message="",
            last_heartbeat_at=None,
            heard=0,
            observed=None,
            sessions=NO_SESSIONS,
        )
    # The same credential as before: the agent may never read the answer, and could not speak for itself any more.
    kept = newcomer.presented if itself else None
    tx.inventory.replace(changed, kept or newcomer.credential)
    data = {"ip": newcomer.ip, "same": itself}
    record_event(tx, "instance.registered_again", instance_actor(known.name), instance=known.name, data=data)
    return changed


def _forget_desired(tx: Transaction, instance: Instance) -> set[str]:
    """Take away what the earlier machine of this name was to be, which may have been aborted; return who was told so.

    What a deployment in flight has told that machine holds.
    """
    target = target_in(tx, tx.deployments.in_flight(), instance)
    if instance.desired is None or instance.assigned_by is None or (target and target.assigned_at is not None):
        return set()
    tx.inventory.assign([NewAssignment(instance.id, None, instance.assigned_by, WITHOUT_A_SLOT)])
    return {instance.name}


def _join_in_flight(tx: Transaction, instance: Instance) -> bool:
    """Add the instance to the end of a matching deployment in flight; nobody joins a rollback."""
    deployment = tx.deployments.in_flight()
    target = target_in(tx, deployment, instance)
    if deployment and target:
        return _take_its_turn_again(tx, deployment, target)
    if deployment is None or not may_be_joined(deployment):
        return False
    selector = parse_selector(deployment.selector or "").and_labels(deployment.labels)
    if not selector.matches(instance.labels):
        return False
    spread = instance.labels.get(deployment.policy.spread_by or "", "")
    healthy = instance.status is Status.HEALTHY
    unhealthy = deployment.max_unavailable is not None and not healthy
    new = NewTarget(instance.id, instance.name, deployment.to, instance.current, spread, unhealthy, joined=True)
    tx.targets.append(deployment.id, new)
    tx.deployments.save(with_joined(deployment, spread, healthy=healthy))
    record_event(tx, "target.joined", deployment_id=deployment.id, instance=instance.name)
    return True


def _take_its_turn_again(tx: Transaction, deployment: Deployment, target: Target) -> bool:
    """Registration counts as a report: a target that was put off as unreachable becomes a candidate again."""
    if not target.deferred or target.state is not TargetState.PENDING:
        return False
    tx.targets.undefer([target])
    counts = msgspec.structs.replace(deployment.counts, deferred=deployment.counts.deferred - 1)
    tx.deployments.save(msgspec.structs.replace(deployment, counts=counts))
    return True


def _inherit(tx: Transaction, instance: Instance, *, new: bool) -> set[str]:
    """Let the instance wait for what it has missed, and tell it if it is its turn; a `new` machine has missed all."""
    deployment = tx.deployments.in_flight()
    target = target_in(tx, deployment, instance)
    if deployment and target and not inherits_beside(deployment, target):
        return set()
    convergence.enqueue(tx, [instance], new=new)
    return convergence.admit(tx)


def _withdraw(tx: Transaction, deployment: Deployment, target: Target) -> None:
    """Take the target of an instance that is gone out of the deployment in flight; a finished one stays."""
    left = without(deployment, target)
    if left != deployment:
        tx.deployments.save(left)
    if target.state in (TargetState.PENDING, TargetState.UPDATING):
        tx.targets.remove(target)
        record_event(tx, "target.withdrawn", deployment_id=deployment.id, instance=target.instance)
    elif target.lapse is not None:
        tx.targets.note([after_decommission(target)], marked=False)
