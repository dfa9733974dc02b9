"""What a deployment, or a rollback, begins with in a ledger: the record and its targets. Moments are milliseconds."""

from collections.abc import Collection, Mapping, Sequence

from msgspec.structs import asdict

from dides.engine.availability import is_unavailable
from dides.engine.limits import Limits, limits_of
from dides.engine.rollback import common_state, policy_of
from dides.model.deployment import Counts, Deployment, DeploymentStatus, Kind, Target, TargetState, Timers
from dides.model.instance import Instance, Matched
from dides.model.plan import Undo
from dides.model.policy import Policy
from dides.model.state import NOTHING, State


def new_deployment(number: int, to: State, policy: Policy, matched: Collection[Matched], now: int) -> Deployment:
    """Return a deployment to these instances, before its first step. InvalidError as `limits_of` raises it."""
    limits = limits_of(policy, matched)
    return Deployment(
        id=number,
        kind=Kind.DEPLOY,
        status=DeploymentStatus.RUNNING,
        to=to,
        labels={},
        selector=None,
        policy=policy,
        **asdict(limits),
        counts=_counts(matched, limits),
        timers=Timers(deadline_at=None if policy.deadline_ms is None else now + policy.deadline_ms),
        spread={} if limits.share is None else dict.fromkeys(sorted({instance.spread for instance in matched}), 0),
        created_at=now,
        created_by="",
    )


def new_rollback(undone: Deployment, undos: Sequence[Undo], now: int) -> Deployment:
    """Return the rollback of a deployment, before its first step."""
    return Deployment(
        id=undone.id + 1,
        kind=Kind.ROLLBACK,
        status=DeploymentStatus.RUNNING,
        to=common_state(undos),
        labels=undone.labels,
        selector=undone.selector,
        policy=policy_of(undone),
        window=undone.window,
        waves=(len(undos),),
        counts=Counts(total=len(undos), pending=len(undos)),
        created_at=now,
        created_by="",
        rollback_of=undone.id,
    )


def new_targets(order: Sequence[Matched], to: State) -> list[Target]:
    """Return the targets of a deployment to these instances in this order."""
    return [
        Target(
            id=matched.id,
            instance_id=matched.id,
            instance=matched.name,
            position=position,
            state=TargetState.PENDING,
            to=to,
            before=matched.current,
            spread=matched.spread,
        )
        for position, matched in enumerate(order, start=1)
    ]


def targets_of_rollback(undos: Sequence[Undo], instances: Mapping[int, Instance]) -> list[Target]:
    """Return the targets of a rollback, in its order."""
    return [
        Target(
            id=restored.touched.target.id,
            instance_id=restored.touched.target.id,
            instance=restored.touched.target.instance,
            position=position,
            state=TargetState.PENDING,
            to=restored.to or NOTHING,
            before=instances[restored.touched.target.id].current,
        )
        for position, restored in enumerate(undos, start=1)
    ]


def matched_of(instance: Instance, spread: str) -> Matched:
    """Return what a trigger reads of an instance, with its value of `spread_by`."""
    return Matched(
        id=instance.id,
        name=instance.name,
        current=instance.current,
        status=instance.status,
        reachable=instance.reachable,
        desired=instance.desired,
        spread=spread,
    )


def _counts(matched: Collection[Matched], limits: Limits) -> Counts:
    unavailable = 0
    if limits.max_unavailable is not None:
        unavailable = sum(is_unavailable(TargetState.PENDING, instance.status) for instance in matched)
    return Counts(total=len(matched), pending=len(matched), unavailable=unavailable)
