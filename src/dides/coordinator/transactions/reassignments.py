"""Writes down further attempts, and that a wave has opened."""

import msgspec

from dides.coordinator.transactions.record import event, log
from dides.engine.applying import apply_rule
from dides.model.deployment import Deployment
from dides.model.plan import Plan
from dides.store.interface import Transaction
from dides.store.records import NewAssignment

MOST_NAMED = 100
"""Instances that one event names."""


def reassign(tx: Transaction, deployment: Deployment, plan: Plan) -> set[str]:
    """Let failed attempts wait, and tell those whose wait is over once more; return the names of the latter."""
    tx.targets.postpone(plan.postponed)
    tx.events.append(
        [
            event(
                tx,
                "target.postponed",
                deployment_id=deployment.id,
                instance=each.target.instance,
                data={"reason": each.reason, "message": each.message},
            )
            for each in plan.postponed
        ]
    )
    targets = [each.target for each in plan.reassigned]
    rule = apply_rule(deployment)
    assignments = [
        NewAssignment(each.instance_id, each.to, deployment.id, rule)
        for each in targets
        if each.instance_id is not None
    ]
    tx.targets.reassign(plan.reassigned, tx.inventory.assign(assignments), tx.now)
    tx.events.append(
        [
            event(
                tx,
                "target.assigned",
                deployment_id=deployment.id,
                instance=each.instance,
                data={"desired": msgspec.to_builtins(each.to), "attempt": each.attempt + 1},
            )
            for each in targets
        ]
    )
    return {each.instance for each in targets}


def log_wave(tx: Transaction, before: Deployment, after: Deployment) -> None:
    """Write the event of a wave that was opened, or that is done and soaks, or is held by health."""
    of = len(after.waves)
    if after.wave.open != before.wave.open:
        log(tx, "wave.opened", deployment_id=after.id, data={"open": after.wave.open, "of": of})
    elif after.timers.health_until is not None and before.timers.health_until is None:
        names = tx.targets.lapsed(after.id, after.wave.open, MOST_NAMED)
        data = {"wave": after.wave.open, "of": of, "lapsed": after.wave.lapsed, "waits_for": names}
        log(tx, "wave.held", deployment_id=after.id, data=data)
    elif after.timers.soaked_at is not None and before.timers.soaked_at is None:
        data = {"wave": after.wave.open, "of": of, "seconds": after.policy.wave_pause}
        log(tx, "wave.soaking", deployment_id=after.id, data=data)
