"""What happened to one instance, in words."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from dides.clock import to_datetime
from dides.dashboard.state_words import state
from dides.model.state import State
from dides.store.records import Event

_SAID = {
    "instance.registered": "Registered from {ip}",
    "instance.registered_again": "Registered again from {ip}",
    "instance.relabelled": "Was given other labels: {labels}",
    "instance.unreachable": "Fell silent: unreachable",
    "instance.inherited": "Was told {desired}, which it had missed",
    "instance.disinherited": "Need not follow an undone deployment any more",
    "instance.decommissioned": "Was decommissioned",
    "target.joined": "Joined the deployment, at the end of its order",
    "target.withdrawn": "Left the deployment",
    "target.told": "Was told {desired}",
    "target.postponed": "Failed, and will be told again: {reason}",
    "target.succeeded": "Succeeded",
    "target.failed": "Failed: {reason}",
    "target.skipped": "Was skipped: {reason}",
}
_RETOLD = "Was told {desired}, attempt {attempt}"


class Happened(msgspec.Struct, frozen=True):
    """One event, as people read it."""

    at: datetime
    what: str
    message: str
    """What the instance said of it."""
    deployment_id: int | None
    actor: str
    """Who did it, where that was neither the instance nor the coordinator."""


def happened(event: Event) -> Happened:
    """Return an event in words; one of an unknown kind as it is called."""
    by_itself = event.actor in (event.instance, "coordinator")
    return Happened(
        at=to_datetime(event.at),
        what=_what(event),
        message=str(event.data.get("message") or ""),
        deployment_id=event.deployment_id,
        actor="" if by_itself else event.actor,
    )


def _what(event: Event) -> str:
    if event.kind == "instance.reported":
        return _reported(event.data)
    said = _RETOLD if "attempt" in event.data else _SAID.get(event.kind, event.kind)
    return said.format_map(_Words(event.data)).rstrip(": ")


def _reported(data: Mapping[str, object]) -> str:
    parts = ["came back"] if data.get("returned") else []
    if "status" in data:
        parts.append(f"reported {data['status']}")
    if "current" in data:
        parts.append(f"runs {_versions(data['current'])}")
    said = ", ".join(parts) or "reported"
    return said[0].upper() + said[1:]


class _Words(dict[str, Any]):
    """The data of an event, value by value in words; what is not there is left out."""

    def __init__(self, data: Mapping[str, object]) -> None:
        super().__init__({key: _value(value) for key, value in data.items()})

    def __missing__(self, key: str) -> str:
        return ""


def _value(value: object) -> str:
    if isinstance(value, dict) and set(value) == set(State.__struct_fields__):
        return _versions(value)
    if isinstance(value, dict):
        return ", ".join(f"{key}={each}" for key, each in sorted(value.items())) or "none"
    return str(value)


def _versions(value: object) -> str:
    return state(msgspec.convert(value, State), "no version")
