"""What a coordinator does beside rollouts: it forgets what is old."""

from dides.coordinator.settings import Settings
from dides.coordinator.transactions.commands import KEEP_KEYS_MS
from dides.store.batching import MOST
from dides.store.interface import Transaction

DAY_MS = 24 * 60 * 60 * 1000
LOOKED_AT = "deployments looked at"
"""The note of the last deployment that was looked at, while there are more to look at."""
MOST_DEPLOYMENTS = 20
"""Deployments looked at in one transaction: to find that nothing needs one, all its targets are looked at."""


def forget(tx: Transaction, settings: Settings, most: int = MOST) -> bool:
    """Delete what is too old: deployments, events, idempotency keys, last-seen times, credentials of gone instances.

    `most` rows of each at once; return whether there may be more.
    """
    old = tx.now - round(settings.keep_events_days * DAY_MS)
    deleted = (
        tx.last_seen.forget(tx.now - DAY_MS, most),
        tx.events.prune(old, most),
        tx.keys.forget(tx.now - KEEP_KEYS_MS, most),
        tx.inventory.forget_decommissioned(old, most),
        tx.deployments.sweep(most),
    )
    more = _forget_deployments(tx, tx.now - round(settings.keep_deployments_days * DAY_MS))
    return more or max(deleted) >= most


def _forget_deployments(tx: Transaction, before: int) -> bool:
    """Look at some of the deployments that ended before a moment (ms); return whether there is more to do."""
    looked_at = tx.deployments.forget(before, tx.keys.noted(LOOKED_AT) or 0, MOST_DEPLOYMENTS)
    tx.keys.write_down(LOOKED_AT, looked_at or 0)
    return looked_at is not None or tx.deployments.any_forgotten()
