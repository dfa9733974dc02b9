"""The columns of `instances`: in which order they are read, who writes which, and what the model makes of them.

Every statement about an instance's row derives from the tuples here, and every row is read in their order. Values that
a column keeps in another form than the model has are turned here, both ways.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from dides.model.instance import Instance, InstanceSummary, Matched
from dides.model.sessions import NO_SESSIONS, Earlier, Sessions
from dides.model.state import NOTHING, ApplyRule, State, Status
from dides.store.sql.mapping import state_columns
from dides.store.sql.tables import instances

Row = Sequence[Any]
Value = str | int | bool | bytes | None
SUMMARY = (
    "id",
    "name",
    "revision",
    "credential_hash",
    "status",
    "current_code",
    "current_configuration",
    "desired_code",
    "desired_configuration",
    "generation",
    "assigned_by",
    "apply_rule",
    "message",
    "reachable",
    "heard",
    "observed",
    "last_heartbeat_at",
    "session",
    "sequence",
    "duplicated_until",
)
"""What a summary is read from: few, because a coordinator reads them of the whole fleet at its start."""
COLUMNS = (
    *SUMMARY,
    "earlier_sessions",
    "last_good_code",
    "last_good_configuration",
    "ip",
    "labels",
    "owned_labels",
    "registered_at",
)
"""Every column, in the order in which it is read."""
MATCHED = (
    "id",
    "name",
    "current_code",
    "current_configuration",
    "status",
    "reachable",
    "desired_code",
    "desired_configuration",
    "observed",
)
"""What a trigger reads of every instance that it matches."""
REPORTED = (
    "status",
    "current_code",
    "current_configuration",
    "last_good_code",
    "last_good_configuration",
    "message",
    "last_heartbeat_at",
    "reachable",
    "heard",
    "observed",
    "session",
    "sequence",
    "earlier_sessions",
    "duplicated_until",
)
"""What a heartbeat writes. An assignment writes others: the two never overwrite each other."""
INSTANCE = tuple(instances.c[name] for name in COLUMNS)
"""Every column, to be selected in this order."""
WIDTH = len(COLUMNS)
"""How many columns of a row are those of the instance, where others come after them."""
_STATUS = tuple(Status)
_decode_labels = msgspec.json.Decoder(dict[str, str]).decode
_decode_owned = msgspec.json.Decoder(dict[str, str | None]).decode
_decode_earlier = msgspec.json.Decoder(tuple[Earlier, ...]).decode


def instance_from(row: Row) -> Instance:
    """Return the instance kept in a row of COLUMNS, as a driver or as SQLAlchemy gives it."""
    key, name, _, _, status, code, configuration, desired_code, desired_configuration, *rest = row
    generation, assigned_by, rule, message, reachable, heard, observed, last_heartbeat_at, session, *rest = rest
    sequence, duplicated_until, earlier, good_code, good_configuration, ip, labels, owned, registered_at = rest
    return Instance(
        id=key,
        name=name,
        ip=ip,
        labels=_decode_labels(labels) if isinstance(labels, str) else labels,
        owned=_decode_owned(owned) if owned else {},
        registered_at=registered_at,
        status=_STATUS[status],
        current=State(code, configuration),
        desired=_state(desired_code, desired_configuration),
        last_good=_state(good_code, good_configuration),
        generation=generation,
        assigned_by=assigned_by,
        apply=ApplyRule(rule),
        message=message,
        last_heartbeat_at=last_heartbeat_at,
        reachable=bool(reachable),
        heard=heard,
        observed=observed,
        sessions=_sessions(session, sequence, earlier, duplicated_until),
    )


def summary_from(row: Row) -> InstanceSummary:
    """Return the summary kept in a row of SUMMARY."""
    key, name, revision, credential, status, code, configuration, desired_code, desired_configuration, *rest = row
    generation, assigned_by, rule, message, reachable, heard, observed, last_heartbeat_at, *rest = rest
    session, sequence, duplicated_until = rest
    current = State(code, configuration) if code is not None or configuration is not None else NOTHING
    desired = _state(desired_code, desired_configuration)
    return InstanceSummary(
        key,
        name,
        revision,
        credential,
        _STATUS[status],
        current,
        message,
        bool(reachable),
        desired,
        generation,
        assigned_by,
        heard,
        observed,
        last_heartbeat_at,
        not current.meets(desired),
        session,
        sequence,
        duplicated_until,
        ApplyRule(rule),
    )


def matched_from(row: Row) -> Matched:
    """Return as much of an instance as a trigger reads, from a row of MATCHED and the value of a label."""
    key, name, code, configuration, status, reachable, desired_code, desired_configuration, observed, spread = row
    current, desired = State(code, configuration), _state(desired_code, desired_configuration)
    return Matched(key, name, current, _STATUS[status], reachable, desired, spread or "", observed is not None)


def reported_values(instance: Instance) -> tuple[Value, ...]:
    """Return the values of the columns in REPORTED."""
    current, last_good, sessions = instance.current, instance.last_good or NOTHING, instance.sessions
    return (
        int(instance.status),
        current.code_version,
        current.configuration_version,
        last_good.code_version,
        last_good.configuration_version,
        instance.message,
        instance.last_heartbeat_at,
        instance.reachable,
        instance.heard,
        instance.observed,
        sessions.session,
        sessions.sequence,
        msgspec.json.encode(sessions.earlier).decode() if sessions.earlier else None,
        sessions.duplicated_until,
    )


def label_columns(instance: Instance) -> dict[str, Any]:
    """Return the columns that keep the labels, and which of them are an operator's."""
    owned = msgspec.json.encode(instance.owned).decode() if instance.owned else None
    return {"labels": dict(instance.labels), "owned_labels": owned}


def registration_columns(instance: Instance) -> dict[str, Any]:
    """Return the columns that a registration writes."""
    return {
        "ip": instance.ip,
        **label_columns(instance),
        "registered_at": instance.registered_at,
        **dict(zip(REPORTED, reported_values(instance), strict=True)),
    }


def instance_columns(instance: Instance) -> dict[str, Any]:
    """Return every column of a new instance but those that the database gives it, and its credential."""
    return {
        "name": instance.name,
        **registration_columns(instance),
        **state_columns("desired", instance.desired),
        "generation": instance.generation,
        "assigned_by": instance.assigned_by,
        "apply_rule": instance.apply.value,
    }


def _state(code: str | None, configuration: str | None) -> State | None:
    return None if code is None and configuration is None else State(code, configuration)


def _sessions(session: str | None, sequence: int, earlier: str | None, duplicated_until: int) -> Sessions:
    if session is None and earlier is None:
        return NO_SESSIONS
    return Sessions(session, sequence, _decode_earlier(earlier) if earlier else (), duplicated_until)
