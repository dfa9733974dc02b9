"""The route of GET /metrics, and what it shows. docs/metrics.md lists the metrics.

Nothing is asked of the store, and nothing is counted for the sake of a scrape: it reads what the coordinator has
counted. It runs in a thread beside the event loop, because a large fleet makes some of it slow (a process with many
connections, for one, has as many open files to count). So whatever may be growing is copied, in one step, before it is
gone through.
"""

import platform
from collections.abc import Iterator

from litestar import Response, Router, get
from litestar.di import NamedDependency
from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.core import InfoMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, choose_encoder, generate_latest
from prometheus_client.registry import Collector

from dides.api.access import operators
from dides.api.fastpath.load_shedding import Overload
from dides.api.limits.rate_limits import RateLimits
from dides.api.metrics.fleet import of_convergence, of_fleet, of_rollouts
from dides.api.metrics.service import (
    of_connections,
    of_heartbeats,
    of_limits,
    of_liveness,
    of_log,
    of_overload,
    of_standstills,
    of_store,
    of_traffic,
)
from dides.api.problems import Handled
from dides.api.responses import for_operators
from dides.api.traffic import Traffic
from dides.coordinator.coordinator import Coordinator

PLAIN = "text/plain; version=0.0.4"


class CoordinatorCollector(Collector):
    """Reads one coordinator, and how it is asked."""

    def __init__(
        self, coordinator: Coordinator, traffic: Traffic, overload: Overload, limits: RateLimits, version: str
    ) -> None:
        self._coordinator = coordinator
        self._traffic = traffic
        self._overload = overload
        self._limits = limits
        self._build = {"version": version, "python_version": platform.python_version()}

    def collect(self) -> Iterator[Metric]:
        """Yield every metric, read now."""
        yield InfoMetricFamily("dides_build", "What this coordinator is.", self._build)
        yield from of_fleet(self._coordinator.instance_cache, self._coordinator.now())
        yield from of_rollouts(self._coordinator)
        yield of_convergence(self._coordinator.watch.stopped_sources)
        yield from of_store(self._coordinator)
        yield from of_heartbeats(self._coordinator, self._traffic)
        yield from of_liveness(self._coordinator)
        yield from of_traffic(self._traffic)
        yield from of_connections(self._traffic)
        yield from of_limits(self._limits)
        yield from of_standstills(self._coordinator)
        yield from of_overload(self._overload, self._traffic)
        yield from of_log()


def registry_of(collector: Collector) -> CollectorRegistry:
    """Return a registry of these metrics and of those of the process; there may be several in one process."""
    registry = CollectorRegistry()
    registry.register(collector)
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


@get(
    "/metrics",
    guards=[operators],
    media_type=PLAIN,
    sync_to_thread=True,
    summary="Metrics for Prometheus",
    response_description="The metrics in the text format of Prometheus.",
    responses=for_operators(),
)
def metrics(request: Handled, registry: NamedDependency[CollectorRegistry]) -> Response[bytes]:
    """Show how the fleet, the rollout and this coordinator do, as text or, for who accepts it, as OpenMetrics."""
    try:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
    except TypeError:  # A version that is no number.
        encode, content_type = generate_latest, CONTENT_TYPE_PLAIN_0_0_4
    # As a header, because the framework would add the charset once more to a media type.
    return Response(encode(registry), headers={"content-type": content_type})


router = Router("/", tags=["operations"], route_handlers=[metrics])
