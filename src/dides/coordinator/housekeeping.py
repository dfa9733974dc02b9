"""What a coordinator does beside rollouts: it forgets what is old."""

from dides.coordinator.deployments import KEEP_KEYS_MS
from dides.coordinator.settings import Settings
from dides.store.base import Transaction
from dides.store.chunks import MOST

DAY_MS = 24 * 60 * 60 * 1000


def forget(tx: Transaction, settings: Settings, most: int = MOST) -> bool:
    """Delete what is too old: events, idempotency keys, signs of life, credentials of decommissioned instances.

    `most` of each at once; return whether there may be more.
    """
    old = tx.now - round(settings.keep_events_days * DAY_MS)
    deleted = (
        tx.sightings.forget(tx.now - DAY_MS, most),
        tx.events.prune(old, most),
        tx.keys.forget(tx.now - KEEP_KEYS_MS, most),
        tx.inventory.forget_decommissioned(old, most),
    )
    return max(deleted) >= most
