"""The metrics of what a coordinator looks after: instances, and rollouts."""

from collections import Counter
from collections.abc import Iterator, Mapping
from heapq import nlargest

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from dides.api.metrics.families import counter, gauge, histogram
from dides.coordinator.coordinator import Coordinator
from dides.coordinator.memory.instance_cache import InstanceCache
from dides.engine.threshold import threshold_of
from dides.engine.window import NAMES, held_by
from dides.model.deployment import Deployment, DeploymentStatus, Kind, TargetState
from dides.model.state import Status

MOST_VERSIONS = 20
"""Versions that are counted by themselves; the others are one, so that a fleet cannot make up series without end."""
OTHER_VERSIONS = "other"
LARGEST_CENSUS = 20_000
"""Pairs of status and version beyond which no version is named: to copy more would keep the event loop waiting."""
ENDED = (DeploymentStatus.COMPLETED, DeploymentStatus.FAILED, DeploymentStatus.ABORTED)


def of_fleet(instance_cache: InstanceCache, now: int) -> Iterator[Metric]:
    """Yield how many instances there are, and how they are now (ms)."""
    reachable, total = instance_cache.reachable, len(instance_cache)
    yield gauge(
        "dides_instances",
        "Instances by what they report; only the most frequent code versions have their own names.",
        (((status.name.lower(), version), number) for (status, version), number in _instances(instance_cache).items()),
        "status",
        "code_version",
    )
    yield GaugeMetricFamily("dides_instances_reachable", "Instances heard of within their time to live.", reachable)
    yield GaugeMetricFamily("dides_instances_unreachable", "Instances that have fallen silent.", total - reachable)
    yield GaugeMetricFamily(
        "dides_instances_update_needed",
        "Instances that report something else than their desired state: updating, converging or drifted.",
        instance_cache.update_needed,
    )
    yield GaugeMetricFamily(
        "dides_instances_duplicated",
        "Instances as which two agents report, with copies of one state directory.",
        len(instance_cache.duplicated(now)),
    )


def _instances(instance_cache: InstanceCache) -> Counter[tuple[Status, str]]:
    """Return the instances by status and version, copied in one step: heartbeats go on while this thread counts."""
    if len(instance_cache.census) <= LARGEST_CENSUS:
        return _bounded(dict(instance_cache.census))
    return Counter({(status, OTHER_VERSIONS): number for status, number in dict(instance_cache.statuses).items()})


def _bounded(census: Mapping[tuple[Status, str | None], int]) -> Counter[tuple[Status, str]]:
    """Return a census in which the less frequent versions are one."""
    totals: Counter[str] = Counter()
    for (_, version), number in census.items():
        totals[version or ""] += number
    # The name as well, so that of equally frequent ones every scrape names the same.
    named = set(nlargest(MOST_VERSIONS, totals, key=lambda version: (totals[version], version)))
    bounded: Counter[tuple[Status, str]] = Counter()
    for (status, version), number in census.items():
        name = version or ""
        bounded[status, name if name in named else OTHER_VERSIONS] += number
    return bounded


def of_rollouts(coordinator: Coordinator) -> Iterator[Metric]:
    """Yield what is in flight, what has ended, and what steps cost."""
    rollouts = coordinator.rollouts
    deployment = rollouts.in_flight
    yield GaugeMetricFamily("dides_deployment_in_flight", "1 while a deployment is in flight.", deployment is not None)
    yield from _of_deployment(deployment, coordinator)
    ended = Counter(rollouts.ended)
    yield counter(
        "dides_deployments_ended",
        "Deployments that this coordinator has brought to their end.",
        (((kind.value, status.value), ended[kind, status]) for kind in Kind for status in ENDED),
        "kind",
        "status",
    )
    yield CounterMetricFamily(
        "dides_instances_told",
        "Desired states set by steps, and by what operators do with deployments.",
        rollouts.assigned,
    )
    yield histogram(
        "dides_step_duration_seconds", "Steps of a deployment, with their wait for the store.", rollouts.steps
    )
    yield CounterMetricFamily("dides_steps_failed", "Steps that the store did not take.", rollouts.failed)


def of_convergence(stopped_sources: int) -> Metric:
    """Return from how many deployments convergence has stopped."""
    return GaugeMetricFamily(
        "dides_convergence_stopped",
        "Deployments whose state is given to no more late instances, because too many failed there.",
        stopped_sources,
    )


def _of_deployment(deployment: Deployment | None, coordinator: Coordinator) -> Iterator[Metric]:
    """Yield what is in flight; families without samples when nothing is."""
    flying = [deployment] if deployment else []
    yield gauge(
        "dides_deployment_info",
        "The deployment in flight.",
        ((_identity(flight), 1) for flight in flying),
        *("id", "kind", "status", "code_version", "configuration_version"),
    )
    yield gauge(
        "dides_deployment_targets",
        "Targets of the deployment in flight by state.",
        (((state.value,), getattr(flight.counts, state.value)) for flight in flying for state in TargetState),
        "state",
    )
    yield gauge(
        "dides_deployment_window",
        "How many targets may be updating at once.",
        (((), flight.window) for flight in flying),
    )
    yield gauge(
        "dides_deployment_failure_threshold",
        "How many failed targets stop the deployment now; a rollback has none.",
        (((), threshold_of(flight)) for flight in flying if flight.kind is Kind.DEPLOY),
    )
    yield gauge(
        "dides_deployment_age_seconds",
        "Since the trigger of the deployment in flight.",
        (((), coordinator.age_of(flight)) for flight in flying),
    )
    yield gauge(
        "dides_deployment_held",
        "1 for the reason that the next pending target does not start.",
        (((name,), held_by(flight) == name) for flight in flying for name in NAMES),
        "by",
    )


def _identity(deployment: Deployment) -> tuple[str, ...]:
    to = deployment.to
    return (
        str(deployment.id),
        deployment.kind.value,
        deployment.status.value,
        to.code_version or "",
        to.configuration_version or "",
    )
