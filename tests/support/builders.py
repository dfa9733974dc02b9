"""Deployments, targets, instances and snapshots with sensible defaults; a test names only what it is about.

The usual story: instances run V1 and are HEALTHY; the deployment tells them V2. Targets and instances share a number.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from dides.engine.verdict import note
from dides.model.deployment import Counts, Deployment, DeploymentStatus, Kind, Target, TargetState
from dides.model.instance import Instance, Report
from dides.model.plan import Candidate, Snapshot, Touched
from dides.model.policy import Amount, Policy
from dides.model.state import State, Status

V0, V1, V2 = State("0.9", "c0"), State("1.0", "c1"), State("2.0", "c2")

NOW = 1_000_000
ASSIGNED_AT = NOW - 1_000
DEADLINE = NOW + 1_000
GENERATION = 7

_INSTANCE = Instance(
    id=1, name="web-1", ip="192.0.2.1", labels={}, registered_at=0, status=Status.HEALTHY, current=V1, generation=6
)
_TARGET = Target(id=1, instance_id=1, instance="web-1", position=1, state=TargetState.PENDING, to=V2, before=V1)
_DEPLOYMENT = Deployment(
    id=42,
    kind=Kind.DEPLOY,
    status=DeploymentStatus.RUNNING,
    to=V2,
    labels={},
    selector=None,
    policy=Policy(),
    window=1,
    waves=(10,),
    counts=Counts(),
    created_at=0,
    created_by="operator",
)


def instance(number: int = 1, **changes: Any) -> Instance:
    return msgspec.structs.replace(_INSTANCE, **{"id": number, "name": f"web-{number}", **changes})


def pending(number: int = 1, **changes: Any) -> Target:
    its_own = {"id": number, "instance_id": number, "instance": f"web-{number}", "position": number}
    return msgspec.structs.replace(_TARGET, **{**its_own, **changes})


def updating(number: int = 1, **changes: Any) -> Target:
    told = {
        "state": TargetState.UPDATING,
        "generation": GENERATION,
        "attempt": 1,
        "assigned_at": ASSIGNED_AT,
        "deadline_at": DEADLINE,
        "failure_is_news": True,
        "wave": 1,
    }
    target = pending(number, **{**told, **changes})
    said = target.report
    if "healthy_at" not in changes and said and said.status is Status.HEALTHY and said.current.meets(target.to):
        return msgspec.structs.replace(target, healthy_at=said.at)  # as it was noted, without `min_healthy_time`
    return target


def noted(target: Target, its_report: Report) -> Target:
    """A target as a heartbeat leaves it, without `min_healthy_time`."""
    return note(target, its_report, _DEPLOYMENT)


def succeeded(number: int = 1, **changes: Any) -> Target:
    return updating(number, **{"state": TargetState.SUCCEEDED, "report": report(), **changes})


def report(status: Status = Status.HEALTHY, current: State = V2, **changes: Any) -> Report:
    """A heartbeat at the target, without `observed`, received now."""
    return Report(**{"at": NOW, "status": status, "current": current, "observed": None, **changes})


def candidate(number: int = 1, **instance_changes: Any) -> Candidate:
    return Candidate(pending(number), instance(number, **instance_changes))


def unreachable(number: int = 1) -> Candidate:
    return candidate(number, reachable=False, status=Status.UNKNOWN)


def already_there(number: int = 1) -> Candidate:
    return candidate(number, current=V2)


def returning(number: int = 1, to: State = V1, **instance_changes: Any) -> Candidate:
    """A candidate of a rollback."""
    return Candidate(pending(number, to=to), instance(number, **{"current": V2, "desired": V2, **instance_changes}))


def touched(number: int = 1, **target_changes: Any) -> Touched:
    return Touched(updating(number, **target_changes), instance(number))


def counts(**states: int) -> Counts:
    """Counts whose total is the sum of the states."""
    total = sum(number for state, number in states.items() if state in set(TargetState))
    return Counts(**{"total": total, **states})


def deployment(*, threshold: Amount = 1, **changes: Any) -> Deployment:
    """A running deployment; `policy` are its policy's fields, as a Policy or by name."""
    policy = changes.pop("policy", Policy())
    if threshold != 1:
        policy = msgspec.structs.replace(policy, failure_threshold=threshold)
    return msgspec.structs.replace(_DEPLOYMENT, policy=policy, **changes)


def rollback(**changes: Any) -> Deployment:
    return deployment(**{"id": 43, "kind": Kind.ROLLBACK, "to": V1, "rollback_of": 42, **changes})


def snapshot(its_deployment: Deployment, candidates: Iterable[Candidate] = (), **changes: Any) -> Snapshot:
    return Snapshot(**{"now": NOW, "deployment": its_deployment, "candidates": tuple(candidates), **changes})


PAUSED = DeploymentStatus.PAUSED
