"""What a rehearsal asks of the coordinator: how the fleet is, and how long updates have taken so far."""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from dides.client.operator import OperatorClient
from dides.model.deployment import Kind, TargetState
from dides.model.state import State, Status
from dides.protocol.messages import Configuration, Deployment, DeployRequest, Instance, Target
from dides.rehearsal.durations import Recorded
from dides.rehearsal.fleet import Condition, Group

ENOUGH = 500
"""Recorded updates after which older deployments are not looked at."""
DEPLOYMENTS = 100
"""Past deployments looked at, at the most."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What past deployments say of updates."""

    durations_ms: tuple[int, ...] = ()
    deployments: tuple[int, ...] = ()
    """Those that the durations come from, newest first."""
    assigned: int = 0
    failed: int = 0

    @property
    def durations(self) -> Recorded | None:
        """The durations to draw from; None when nothing was recorded."""
        return Recorded(durations_ms=self.durations_ms, deployments=self.deployments) if self.durations_ms else None

    @property
    def failure_rate(self) -> float:
        """Failed of assigned, from 0 to 1; 0 when nothing was recorded."""
        return self.failed / self.assigned if self.assigned else 0.0


async def read_record(client: OperatorClient) -> Record:
    """Return what the newest deployments say of updates, up to some hundreds of them. Raises ClientError."""
    record = Record()
    for deployment in (await client.deployments(limit=DEPLOYMENTS)).deployments:
        room = ENOUGH - len(record.durations_ms)
        if deployment.kind is Kind.DEPLOY and room > 0:
            record = added(record, deployment, await _read_durations(client, deployment, room))
    return record


async def _read_durations(client: OperatorClient, deployment: Deployment, at_most: int) -> list[int]:
    durations: list[int] = []
    async for target in client.targets(deployment.id, state=TargetState.SUCCEEDED):
        duration = duration_ms(target, deployment.configuration)
        durations += [] if duration is None else [duration]
        if len(durations) == at_most:
            break
    return durations


def added(record: Record, deployment: Deployment, durations_ms: Sequence[int]) -> Record:
    """Return the record with one more deployment, and how long its successful updates took."""
    progress = deployment.progress
    return Record(
        durations_ms=(*record.durations_ms, *durations_ms),
        deployments=(*record.deployments, *((deployment.id,) if durations_ms else ())),
        assigned=record.assigned + progress.succeeded + progress.failed,
        failed=record.failed + progress.failed,
    )


def duration_ms(target: Target, configuration: Configuration) -> int | None:
    """Return how long the update of a succeeded target took, in ms; None for any other.

    The last attempt counts, without the `min_healthy_time` that it was watched for: the engine adds that of the
    rehearsed rollout by itself.
    """
    if target.state is not TargetState.SUCCEEDED or target.assigned_at is None or target.finished_at is None:
        return None
    seconds = (target.finished_at - target.assigned_at).total_seconds() - configuration.min_healthy_time
    return max(1, round(seconds * 1000))


async def read_fleet(client: OperatorClient, request: DeployRequest, selector: str | None) -> tuple[Group, ...]:
    """Return the fleet that a request matches; `selector` matches the same instances. Raises ClientError.

    The plan knows how many there are of each kind. Their labels, and which are not HEALTHY, are read only where the
    policy asks for that.
    """
    plan, configuration = await client.plan(request), request.configuration
    if isinstance(configuration, Configuration) and (configuration.spread_by or configuration.max_unavailable):
        to = State(request.code_version or None, request.configuration_version or None)
        instances = [instance async for instance in client.instances(selector=selector)]
        return grouped(instances, to, configuration.spread_by)
    groups = (
        Group(plan.matched - plan.already_at_target - plan.unreachable),
        Group(plan.already_at_target, Condition.THERE),
        Group(plan.unreachable, Condition.UNREACHABLE),
    )
    return tuple(group for group in groups if group.number)


def grouped(instances: Iterable[Instance], to: State, spread_by: str | None) -> tuple[Group, ...]:
    """Return instances by how they are, on the way to a state, and by their value of a label."""
    kinds = Counter((_condition(instance, to), instance.labels.get(spread_by or "", "")) for instance in instances)
    return tuple(Group(number, *kind) for kind, number in sorted(kinds.items()))


def made_up_fleet(instances: int, spread_values: int | None) -> tuple[Group, ...]:
    """Return a fleet of HEALTHY instances, evenly divided over so many values of a label."""
    values = min(spread_values or 1, instances)
    sizes = [instances // values + (place < instances % values) for place in range(values)]
    return tuple(Group(size, spread=f"value-{place:03}") for place, size in enumerate(sizes, start=1))


def _condition(instance: Instance, to: State) -> Condition:
    if not instance.reachable:
        return Condition.UNREACHABLE
    if instance.status is not Status.HEALTHY:
        return Condition.UNHEALTHY
    return Condition.THERE if instance.current.meets(to.over(instance.desired)) else Condition.BEHIND
