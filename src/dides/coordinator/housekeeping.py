"""What a coordinator does beside rollouts: it forgets what is old."""

from dides.coordinator.deployments import KEEP_KEYS_MS
from dides.coordinator.settings import Settings
from dides.store.base import Transaction

DAY_MS = 24 * 60 * 60 * 1000


def forget(tx: Transaction, settings: Settings) -> int:
    """Delete events, idempotency keys and credentials of decommissioned instances that are too old; return how many."""
    old = tx.now - round(settings.keep_events_days * DAY_MS)
    tx.sightings.forget(tx.now - DAY_MS)
    return tx.events.prune(old) + tx.keys.forget(tx.now - KEEP_KEYS_MS) + tx.inventory.forget_decommissioned(old)
