"""Outages of the network: found when instances are declared unreachable, reviewed by whoever decides."""

import msgspec

from dides.coordinator.transactions.record import record_event
from dides.engine.outage import Silence, begun, ended, reviewed, stood_still_since
from dides.engine.timers import moved, moved_target
from dides.model.deployment import Deployment, DeploymentStatus, Kind, Outage
from dides.store.interface import Transaction


def notice(tx: Transaction, heard_by: int, time_to_live: int, *, reachable: int, unreachable: int) -> None:
    """Hold the deployment in flight when most instances have fallen silent within one time to live (ms).

    Whoever is silent now was heard of at `heard_by` (ms) at the latest. A rollback is not held. `reachable` and
    `unreachable` say how many there are in all, about: as long as these are few nobody has to be counted.
    """
    deployment = tx.deployments.in_flight()
    if deployment is None or deployment.kind is Kind.ROLLBACK or deployment.outage is not None:
        return
    if unreachable <= reachable - deployment.counts.updating - deployment.counts.succeeded:
        return
    silence = _silence(tx, deployment, heard_by - time_to_live)
    outage = begun(silence)
    if outage is None:
        return
    tx.deployments.save(msgspec.structs.replace(deployment, outage=outage))
    data = {"silent": silence.silent, "of": outage.base, "since": outage.since}
    record_event(tx, "deployment.outage_began", deployment_id=deployment.id, data=data)


def review(tx: Transaction, time_to_live: int, limit: int) -> None:
    """Let the deployment in flight go on when its outage is over, or has lasted for `limit` ms."""
    deployment = tx.deployments.in_flight()
    if deployment is None or deployment.outage is None:
        return
    silence = _silence(tx, deployment, deployment.outage.since - time_to_live, deployment.outage.since)
    after = reviewed(deployment.outage, silence.silent, tx.now, limit)
    if after == deployment.outage:
        return
    # Instances come back one after the other: no timeout fires before one time to live.
    at_least = tx.now + time_to_live if after is None else 0
    tx.deployments.save(end(tx, deployment, after, "instances report again" if after is None else "limit", at_least))


def end(tx: Transaction, deployment: Deployment, after: Outage | None, reason: str, at_least: int) -> Deployment:
    """Return a deployment once its outage has ended: its timers are later by as long as it has lasted.

    They are not before `at_least` (ms). Those of a paused one are moved when it is resumed.
    """
    since, lasted = stood_still_since(deployment), deployment.held_by_outage
    deployment = msgspec.structs.replace(deployment, outage=after)
    if not lasted or since is None:
        return deployment
    record_event(tx, "deployment.outage_ended", deployment_id=deployment.id, data={"reason": reason})
    if deployment.status is DeploymentStatus.PAUSED:
        return msgspec.structs.replace(deployment, paused_at=since)
    return go_on(tx, deployment, since, at_least)


def resume(tx: Transaction, deployment: Deployment, actor: str) -> Deployment:
    """Return a deployment that an operator lets go on: neither a pause nor an outage holds it any more."""
    outage, since = deployment.outage, stood_still_since(deployment)
    if outage and deployment.held_by_outage:
        outage = ended(outage)
        record_event(tx, "deployment.outage_ended", actor, deployment_id=deployment.id, data={"reason": "resumed"})
    if deployment.status is DeploymentStatus.PAUSED:
        record_event(tx, "deployment.resumed", actor, deployment_id=deployment.id)
    deployment = go_on(tx, deployment, tx.now if since is None else since)
    return msgspec.structs.replace(deployment, status=DeploymentStatus.RUNNING, paused_at=None, outage=outage)


def go_on(tx: Transaction, deployment: Deployment, since: int, at_least: int = 0) -> Deployment:
    """Return a deployment that has stood still since a moment (ms), with all that it waits for as much later."""
    by_ms = tx.now - since
    tx.targets.reschedule([moved_target(target, by_ms, at_least) for target in tx.targets.timed(deployment.id)])
    return msgspec.structs.replace(deployment, timers=moved(deployment.timers, by_ms), resumed_at=tx.now)


def _silence(tx: Transaction, deployment: Deployment, heard_after: int, at_ms: int | None = None) -> Silence:
    """Return how many are silent that were heard of after a moment, but for those the version may have silenced."""
    succeeded_after = (tx.now if at_ms is None else at_ms) - deployment.policy.update_timeout_ms
    reachable, silent, last = tx.inventory.silence(deployment.id, heard_after, succeeded_after)
    return Silence(reachable, silent, last)
