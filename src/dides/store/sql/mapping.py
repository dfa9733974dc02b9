"""Between the rows of deployments and targets, and the model: columns in, frozen values out, and back."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec
from sqlalchemy import RowMapping

from dides.model.deployment import (
    Brake,
    Counts,
    Deployment,
    DeploymentStatus,
    Kind,
    Lapse,
    Outage,
    Target,
    TargetState,
    Timers,
    Wave,
)
from dides.model.instance import Report
from dides.model.policy import Policy
from dides.model.state import NOTHING, State, Status, known

Row: TypeAlias = RowMapping | Mapping[str, Any]
COUNTS = Counts.__struct_fields__
TIMERS = Timers.__struct_fields__


def state_from(row: Row, name: str) -> State:
    """Return the state kept in the columns `{name}_code` and `{name}_configuration`."""
    return State(row[f"{name}_code"], row[f"{name}_configuration"])


def state_columns(name: str, state: State | None) -> dict[str, str | None]:
    """Return the columns that keep a state; none at all is kept as an empty one."""
    state = state or NOTHING
    return {f"{name}_code": state.code_version, f"{name}_configuration": state.configuration_version}


def deployment_from(row: Row) -> Deployment:
    """Return the deployment kept in a row of `deployments`."""
    return Deployment(
        id=row["id"],
        revision=row["revision"],
        kind=Kind(row["kind"]),
        status=DeploymentStatus(row["status"]),
        reason=row["reason"],
        to=State(row["code"], row["configuration"]),
        labels=row["labels"],
        selector=row["selector"],
        policy=msgspec.convert(row["policy"], Policy),
        window=row["batch_window"],
        waves=tuple(row["waves"]),
        share=row["share"],
        max_unavailable=row["max_unavailable"],
        wave=Wave(
            open=row["wave_open"],
            began_with=row["wave_began_with"],
            succeeded=row["wave_succeeded"],
            lapsed=row["wave_lapsed"],
        ),
        timers=Timers(**{name: row[name] for name in TIMERS}),
        spread=row["spread"],
        blocked_by=row["blocked_by"],
        counts=Counts(**{name: row[name] for name in COUNTS}),
        rollback_of=row["rollback_of"],
        rolled_back_by=row["rolled_back_by"],
        withdrawn=row["withdrawn"],
        brake=Brake(arrived=row["heirs_arrived"], failed=row["heirs_failed"], stopped_at=row["heirs_stopped_at"]),
        created_at=row["created_at"],
        created_by=row["created_by"],
        paused_at=row["paused_at"],
        resumed_at=row["resumed_at"],
        outage=_outage_from(row),
        finished_at=row["finished_at"],
    )


def _outage_from(row: Row) -> Outage | None:
    if row["outage_since"] is None:
        return None
    return Outage(since=row["outage_since"], base=row["outage_base"], over=row["outage_over"])


def deployment_columns(deployment: Deployment) -> dict[str, Any]:
    """Return the columns of a deployment that may change, but for its revision."""
    return {
        "status": deployment.status.value,
        "in_flight": 1 if deployment.in_flight else None,
        "reason": deployment.reason,
        **{name: getattr(deployment.counts, name) for name in COUNTS},
        **{name: getattr(deployment.timers, name) for name in TIMERS},
        "wave_open": deployment.wave.open,
        "wave_began_with": deployment.wave.began_with,
        "wave_succeeded": deployment.wave.succeeded,
        "wave_lapsed": deployment.wave.lapsed,
        "spread": dict(deployment.spread),
        "blocked_by": deployment.blocked_by,
        "rolled_back_by": deployment.rolled_back_by,
        "withdrawn": deployment.withdrawn,
        "heirs_arrived": deployment.brake.arrived,
        "heirs_failed": deployment.brake.failed,
        "heirs_stopped_at": deployment.brake.stopped_at,
        "paused_at": deployment.paused_at,
        "resumed_at": deployment.resumed_at,
        "outage_since": deployment.outage.since if deployment.outage else None,
        "outage_base": deployment.outage.base if deployment.outage else 0,
        "outage_over": bool(deployment.outage and deployment.outage.over),
        "finished_at": deployment.finished_at,
    }


def target_from(row: Row) -> Target:
    """Return the target kept in a row of `targets`.

    Joined with `reachable`, `duplicated_until` and, as `instance_status`, the status of its instance; all are null when
    that is gone.
    """
    return Target(
        id=row["id"],
        instance_id=row["instance_id"],
        instance=row["instance"],
        position=row["position"],
        state=TargetState(row["state"]),
        deferred=row["deferred"],
        reason=row["reason"],
        message=row["message"],
        to=state_from(row, "to"),
        before=state_from(row, "before"),
        last_good=known(state_from(row, "last_good")),
        earlier=known(state_from(row, "earlier")),
        generation=row["generation"],
        attempt=row["attempt"],
        assigned_at=row["assigned_at"],
        deadline_at=row["deadline_at"],
        healthy_at=row["healthy_at"],
        retry_at=row["retry_at"],
        finished_at=row["finished_at"],
        wave=row["wave"],
        spread=row["spread"],
        unhealthy=row["unhealthy"],
        late=row["late"],
        already=row["already"],
        joined=row["joined"],
        lapse=None if row["lapse"] is None else Lapse(row["lapse"]),
        has_read=row["has_read"],
        failure_is_news=row["failure_is_news"],
        report=report_from(row),
        reachable=bool(row["reachable"]),
        duplicated_until=row["duplicated_until"] or 0,
        status=Status(row["instance_status"] or 0),
    )


def lapse_value(lapse: Lapse | None) -> str | None:
    """Return a lapse as its column keeps it."""
    return None if lapse is None else lapse.value


def moment_columns(target: Target) -> dict[str, int | None]:
    """Return the columns that keep what a target waits for."""
    return {
        "deadline_at": target.deadline_at,
        "healthy_at": target.healthy_at,
        "retry_at": target.retry_at,
        "due_at": target.due_at,
    }


def report_from(row: Row) -> Report | None:
    """Return the report kept with a target."""
    if row["report_at"] is None:
        return None
    return Report(
        at=row["report_at"],
        status=Status(row["report_status"]),
        current=state_from(row, "report"),
        observed=row["report_observed"],
        message=row["report_message"],
    )


def report_columns(report: Report | None) -> dict[str, Any]:
    """Return the columns that keep a report, all null for none."""
    return {
        "report_at": report.at if report else None,
        "report_status": int(report.status) if report else None,
        **state_columns("report", report.current if report else None),
        "report_observed": report.observed if report else None,
        "report_message": report.message if report else None,
    }
