"""How the model is shown on the wire."""

import msgspec

from dides.coordinator.transactions.brake import Converging
from dides.engine.brake import limit_of
from dides.engine.sessions import is_duplicated
from dides.engine.window import held_by
from dides.model import deployment as model
from dides.model.explanation import Explanation
from dides.model.instance import Instance, InstanceSummary
from dides.protocol import messages
from dides.runtime.clock import to_datetime
from dides.store.records import Event


def instance_view(instance: Instance, *, now: int, converging: bool, heard_at: int | None) -> messages.Instance:
    """Return an instance as the wire has it now (ms); `heard_at` (ms) is its last-seen time."""
    return messages.Instance(
        name=instance.name,
        ip=instance.ip,
        labels=dict(instance.labels),
        status=instance.status,
        current=instance.current,
        desired=instance.desired,
        generation=instance.generation,
        message=instance.message,
        registered_at=to_datetime(instance.registered_at),
        last_heartbeat_at=None if heard_at is None else to_datetime(heard_at),
        reachable=instance.reachable,
        converging=converging,
        duplicated=is_duplicated(instance.sessions, now),
    )


def why_view(found: Explanation) -> messages.Why:
    """Return why an instance was updated, or was not, as the wire has it."""
    return messages.Why(
        cause=found.cause,
        message=found.message,
        deployment_id=found.deployment_id,
        held_by=found.held_by,
        since=None if found.since is None else to_datetime(found.since),
        until=None if found.until is None else to_datetime(found.until),
    )


def directive_view(instance: InstanceSummary | Instance, heartbeat_interval: float) -> messages.Directive:
    """Return what an instance should be; an update is needed when it is not there."""
    return messages.Directive(
        name=instance.name,
        desired=instance.desired,
        generation=instance.generation,
        deployment_id=instance.assigned_by,
        update_needed=instance.update_needed,
        apply=instance.apply,
        heartbeat_interval=heartbeat_interval,
    )


def deployment_view(deployment: model.Deployment) -> messages.Deployment:
    """Return a deployment as the wire has it."""
    counts = deployment.counts
    return messages.Deployment(
        id=deployment.id,
        kind=deployment.kind,
        rollback_of=deployment.rollback_of,
        status=deployment.status,
        reason=deployment.reason,
        code_version=deployment.to.code_version,
        configuration_version=deployment.to.configuration_version,
        labels=dict(deployment.labels),
        selector=deployment.selector,
        configuration=messages.Configuration(**msgspec.structs.asdict(deployment.policy)),
        progress=messages.Progress(
            total=counts.total,
            pending=counts.pending,
            updating=counts.updating,
            succeeded=counts.succeeded,
            failed=counts.failed,
            skipped=counts.skipped,
        ),
        wave=wave_view(deployment),
        held_by=held_by(deployment),
        rolled_back_by=deployment.rolled_back_by,
        withdrawn=deployment.withdrawn,
        created_at=to_datetime(deployment.created_at),
        finished_at=None if deployment.finished_at is None else to_datetime(deployment.finished_at),
        created_by=deployment.created_by,
    )


def convergence_view(converging: Converging) -> messages.Convergence:
    """Return how the heirs of a deployment fare, as the wire has it."""
    source, brake = converging.source, converging.source.brake
    return messages.Convergence(
        deployment_id=source.id,
        code_version=source.to.code_version,
        configuration_version=source.to.configuration_version,
        waiting=converging.waiting,
        converging=converging.converging,
        arrived=brake.arrived,
        failed=brake.failed,
        limit=limit_of(source),
        stopped_at=None if brake.stopped_at is None else to_datetime(brake.stopped_at),
    )


def wave_view(deployment: model.Deployment) -> messages.Wave | None:
    """Return the open wave as the wire has it; None without waves."""
    of = len(deployment.waves)
    return messages.Wave(open=deployment.wave.open, of=of) if of > 1 else None


def target_view(target: model.Target) -> messages.Target:
    """Return a target as the wire has it; while it updates, the message is its instance's."""
    message = target.message or (target.report.message if target.report else "")
    return messages.Target(
        instance=target.instance,
        state=target.state,
        reason=_reason(target),
        message=message,
        from_=target.before,
        to=target.to,
        attempt=target.attempt,
        assigned_at=None if target.assigned_at is None else to_datetime(target.assigned_at),
        finished_at=None if target.finished_at is None else to_datetime(target.finished_at),
    )


def _reason(target: model.Target) -> str:
    """Return why a target is where it is; of an updating one, what it waits for if that is time."""
    if target.state is not model.TargetState.UPDATING:
        return target.reason
    if target.retry_at is not None:
        return f"{target.reason}; next attempt at {_timestamp(target.retry_at)}"
    if target.healthy_at is not None and target.report and target.healthy_at > target.report.at:
        return f"HEALTHY, and has to stay so until {_timestamp(target.healthy_at)}"
    return target.reason


def _timestamp(at_ms: int) -> str:
    return f"{to_datetime(at_ms):%Y-%m-%dT%H:%M:%SZ}"


def event_view(event: Event) -> messages.Event:
    """Return an event as the wire has it."""
    return messages.Event(
        id=event.id,
        at=to_datetime(event.at),
        kind=event.kind,
        deployment_id=event.deployment_id,
        instance=event.instance,
        actor=event.actor,
        data=dict(event.data),
    )
