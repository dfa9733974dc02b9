"""The columns of targets, as they are written: when they are new, told, and told once more."""

from collections.abc import Mapping
from typing import Any

from dides.model.deployment import TargetState
from dides.model.plan import Assignment, Reassignment
from dides.store.records import NewTarget
from dides.store.sql.bulk import KEY, Value
from dides.store.sql.mapping import report_columns, state_columns

OWN = (
    "position",
    "instance_id",
    "instance",
    "to_code",
    "to_configuration",
    "before_code",
    "before_configuration",
    "spread",
    "unhealthy",
    "joined",
)
"""The columns of a new target that are its own, in the order of `own`."""


def own(position: int, target: NewTarget) -> tuple[Value, ...]:
    """Return the values of these columns for a new target."""
    to, before = target.to, target.before
    return (
        position,
        target.instance_id,
        target.instance,
        to.code_version,
        to.configuration_version,
        before.code_version,
        before.configuration_version,
        target.spread,
        target.unhealthy,
        target.joined,
    )


def unassigned(deployment_id: int) -> dict[str, Value]:
    """Return the other columns of targets that have not been told anything yet."""
    return {
        "deployment_id": deployment_id,
        "state": TargetState.PENDING.value,
        "deferred": False,
        "reason": "",
        "message": "",
        "generation": 0,
        "attempt": 0,
        "wave": 0,
        "late": False,
        "already": False,
        "has_read": False,
        "failure_is_news": False,
        "marked": False,
    }


def assigned_columns(assigned: Assignment, generations: Mapping[int, int], now: int) -> dict[str, Any]:
    """Return what is written of a target that is told, or found to be where it should be."""
    target, finished = assigned.target, assigned.state is not TargetState.UPDATING
    return {
        KEY: target.id,
        "state": assigned.state.value,
        "reason": assigned.reason,
        **state_columns("to", assigned.desired),
        **state_columns("before", assigned.before),
        **state_columns("last_good", assigned.last_good),
        **state_columns("earlier", assigned.earlier),
        "generation": generations[target.instance_id] if target.instance_id is not None else 0,
        "attempt": target.attempt + 1,
        "assigned_at": now,
        "deadline_at": assigned.deadline_at,
        "due_at": assigned.deadline_at,
        "finished_at": now if finished else None,
        "wave": assigned.wave,
        "late": assigned.late,
        "already": assigned.already,
        "failure_is_news": assigned.failure_is_news,
        "marked": False,
        **report_columns(None),
    }


def reassigned_columns(reassigned: Reassignment, generations: Mapping[int, int]) -> dict[str, Any]:
    """Return what is written of an updating target that is told once more."""
    target = reassigned.target
    return {
        KEY: target.id,
        "generation": generations[target.instance_id] if target.instance_id is not None else 0,
        "attempt": target.attempt + 1,
        "deadline_at": reassigned.deadline_at,
        "due_at": reassigned.deadline_at,
        "healthy_at": None,
        "retry_at": None,
        "has_read": target.has_read or target.report is not None,
        "failure_is_news": reassigned.failure_is_news,
        "marked": False,
        **report_columns(None),
    }
