"""What a coordinator does beside rollouts: notes that it lives, recovers from an outage, forgets what is old."""

import msgspec

from dides.coordinator.deployments import KEEP_KEYS_MS
from dides.coordinator.settings import Settings
from dides.engine.timers import moved, moved_hold, moved_target
from dides.model.deployment import DeploymentStatus
from dides.store.base import Transaction

ALIVE_AT = "alive_at"
DAY_MS = 24 * 60 * 60 * 1000


class Recovery(msgspec.Struct, frozen=True):
    """What a coordinator finds when it starts."""

    quiet_until: int
    """The moment (ms) before which no timeout fires."""
    instances: list[str]
    """The instances to listen for, each as if heard of now."""


def recover(tx: Transaction, settings: Settings) -> Recovery:
    """Count the time without a coordinator as a pause, and give every instance one full time to live to be heard of."""
    alive_at = tx.keys.noted(ALIVE_AT)
    quiet_until = 0 if alive_at is None else tx.now + settings.time_to_live_ms
    if alive_at is not None:
        _stand_still(tx, max(0, tx.now - alive_at), quiet_until)
    tx.keys.write_down(ALIVE_AT, tx.now)
    return Recovery(quiet_until, tx.inventory.reachable_names())


def _stand_still(tx: Transaction, away: int, quiet_until: int) -> None:
    """Move deadlines by the time (ms) that nobody was there to watch."""
    tx.convergences.shift_deadlines(away, at_least=quiet_until)
    deployment = tx.deployments.in_flight()
    if deployment is None:
        return
    updating = [moved_hold(each, away, quiet_until) for each in tx.targets.updating(deployment.id)]
    if deployment.status is DeploymentStatus.RUNNING:
        # The timers of a paused one are moved when it resumes, by all the time that it was paused.
        updating = [moved_target(each, away, quiet_until) for each in updating]
        timers = moved(deployment.timers, away, quiet_until)
        if timers != deployment.timers:
            tx.deployments.save(msgspec.structs.replace(deployment, timers=timers))
    tx.targets.reschedule(updating)


def note_alive(tx: Transaction) -> None:
    """Write down that a coordinator is running now; what is missing at the next start was an outage."""
    tx.keys.write_down(ALIVE_AT, tx.now)


def forget(tx: Transaction, settings: Settings) -> int:
    """Delete events, idempotency keys and credentials of decommissioned instances that are too old; return how many."""
    old = tx.now - round(settings.keep_events_days * DAY_MS)
    return tx.events.prune(old) + tx.keys.forget(tx.now - KEEP_KEYS_MS) + tx.inventory.forget_decommissioned(old)
