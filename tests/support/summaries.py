"""Summaries as tests need them."""

import msgspec

from dides.coordinator.credentials import hash_of
from dides.model.instance import InstanceSummary
from dides.model.state import State, Status


def a_summary(name: str = "web-1", **fields: object) -> InstanceSummary:
    """Return what is known of an instance that is HEALTHY at version 1 and was never told anything."""
    usual = InstanceSummary(
        id=1,
        name=name,
        revision=1,
        credential_hash=hash_of(f"credential of {name}"),
        status=Status.HEALTHY,
        current=State("1"),
        message="",
        reachable=True,
        desired=None,
        generation=0,
        assigned_by=None,
        heard=0,
        observed=None,
        last_heartbeat_at=1,
        update_needed=False,
    )
    changed = msgspec.structs.replace(usual, **fields)
    return msgspec.structs.replace(changed, update_needed=not changed.current.meets(changed.desired))
