"""The metrics of how a coordinator does: its store, heartbeats, requests, and event loop."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from dides.api.connections.early_refusals import REASONS
from dides.api.fastpath.load_shedding import Overload
from dides.api.limits.rate_limits import RateLimits
from dides.api.metrics.families import Samples, counter, gauge, histogram, histograms
from dides.api.traffic import Traffic
from dides.coordinator.coordinator import Coordinator
from dides.coordinator.loops.heartbeat_queue import Heartbeats
from dides.runtime.logs import lost_lines
from dides.store.writer_metrics import WriterStatistics

HEARTBEAT = ("PATCH", "/inventory/instances/{name}")
QUERY = ("GET", "/inventory/instances/{name}/desired")
REFUSED = {
    400: "invalid",
    401: "unauthorized",
    403: "unauthorized",
    404: "gone",
    410: "gone",
    413: "invalid",
    422: "invalid",
    429: "busy",
    500: "error",
    503: "unavailable",
}
"""What has become of a heartbeat that the routes have refused, by status."""


def of_store(coordinator: Coordinator) -> Iterator[Metric]:
    """Yield how the store does."""
    writers = coordinator.writers
    yield GaugeMetricFamily("dides_ready", "1 while the store is known to be written and followed.", coordinator.ready)
    yield GaugeMetricFamily(
        "dides_store_behind_seconds", "Age of the newest news of what other coordinators wrote.", coordinator.behind
    )
    yield gauge(
        "dides_store_units_waiting",
        "Units of work that wait for a writer.",
        (((writer.name,), writer.waiting()) for writer in writers),
        "writer",
    )
    yield counter(
        "dides_store_units",
        "Units of work by outcome: done, refused (an error of their own undid them), lost (the database failed).",
        (sample for writer in writers for sample in _outcomes(writer)),
        "writer",
        "outcome",
    )
    yield histograms(
        "dides_store_transaction_duration_seconds",
        "Transactions, from their begin until they were durable or lost.",
        (((writer.name,), writer.transactions) for writer in writers),
        "writer",
    )
    yield histograms(
        "dides_store_commit_duration_seconds",
        "Commits alone, which is mostly the flush of the disk.",
        (((writer.name,), writer.commits) for writer in writers),
        "writer",
    )
    yield histograms(
        "dides_store_transaction_units",
        "Units of work in one transaction.",
        (((writer.name,), writer.sizes) for writer in writers),
        "writer",
    )


def _outcomes(writer: WriterStatistics) -> Samples:
    outcomes = {"done": writer.done, "refused": writer.refused, "lost": writer.lost}
    return (((writer.name, outcome), number) for outcome, number in outcomes.items())


def of_heartbeats(coordinator: Coordinator, traffic: Traffic) -> Iterator[Metric]:
    """Yield what became of heartbeats, and how long that took."""
    heartbeats = coordinator.heartbeats
    outcomes = _received(heartbeats, traffic).items()
    yield counter(
        "dides_heartbeats",
        "Heartbeats received by what became of them.",
        (((outcome,), number) for outcome, number in outcomes),
        "outcome",
    )
    yield GaugeMetricFamily("dides_heartbeats_waiting", "Heartbeats that wait to be written.", heartbeats.waiting)
    yield histogram("dides_heartbeat_batch_size", "Heartbeats that were written together.", heartbeats.batches)
    yield histogram(
        "dides_heartbeat_write_duration_seconds",
        "Heartbeats that change something, from their receipt until they were durable.",
        heartbeats.durations,
    )


def _received(heartbeats: Heartbeats, traffic: Traffic) -> Counter[str]:
    """Return the heartbeats by outcome, with an operator's change of labels that was refused: it has the same route."""
    outcomes = Counter(dict.fromkeys(REFUSED.values(), 0))
    for (method, route, status), number in dict(traffic.answers).items():
        if (method, route) == HEARTBEAT and status in REFUSED:
            outcomes[REFUSED[status]] += number
    outcomes["unchanged"] = heartbeats.unchanged
    outcomes["written"] = heartbeats.written
    outcomes["shed"] = traffic.heartbeats_shed
    outcomes["limited"] = traffic.heartbeats_limited
    outcomes["busy"] += traffic.heartbeats_busy
    outcomes["unavailable"] += traffic.heartbeats_unavailable
    return outcomes


def of_liveness(coordinator: Coordinator) -> Iterator[Metric]:
    """Yield how often instances are asked to report, who is kept waiting, and what it costs to remember who lives."""
    watch, waiters = coordinator.watch, coordinator.waiters
    yield GaugeMetricFamily(
        "dides_heartbeat_interval_seconds", "How often instances are asked to report.", watch.pacing.interval
    )
    yield GaugeMetricFamily(
        "dides_time_to_live_seconds", "How long an instance may be silent.", watch.pacing.allowed_ms / 1000
    )
    yield histogram(
        "dides_last_seen_flush_duration_seconds",
        "Writing last-seen times, and reading those of other coordinators.",
        watch.flushes,
    )
    yield GaugeMetricFamily("dides_queries_held", "Blocking queries that are being held.", waiters.held)
    yield CounterMetricFamily("dides_queries_woken", "Blocking queries that a change has woken.", waiters.woken)


def of_traffic(traffic: Traffic) -> Iterator[Metric]:
    """Yield the requests; those that are answered in front of the framework are counted and not timed."""
    answers: Counter[tuple[str, str, str]] = Counter()
    for (method, route, status), number in dict(traffic.answers).items():
        answers[method, route, f"{status // 100}xx"] += number
    answers[*HEARTBEAT, "2xx"] += traffic.heartbeats
    answers[*HEARTBEAT, "4xx"] += traffic.heartbeats_shed + traffic.heartbeats_busy + traffic.heartbeats_limited
    answers[*HEARTBEAT, "5xx"] += traffic.heartbeats_unavailable
    answers[*QUERY, "2xx"] += traffic.queries
    answers[*QUERY, "4xx"] += traffic.queries_shed + traffic.queries_limited
    yield counter("dides_http_requests", "Requests answered.", answers.items(), "method", "route", "status")
    yield histograms(
        "dides_http_request_duration_seconds",
        "Until the answer began, without plain heartbeats and blocking queries.",
        dict(traffic.durations).items(),
        "method",
        "route",
    )


def of_connections(traffic: Traffic) -> Iterator[Metric]:
    """Yield the connections that were of no use."""
    yield counter(
        "dides_connections_refused",
        "Connections that could not be taken, or were closed for what was sent on them.",
        (((reason,), traffic.refused_early[reason]) for reason in REASONS),
        "reason",
    )


def of_limits(limits: RateLimits) -> Iterator[Metric]:
    """Yield how often somebody wanted more than one sender may have."""
    yield counter(
        "dides_requests_limited",
        "Requests beyond what one sender may send, and connections that made room for a newer one of their credential.",
        (((limit,), number) for limit, number in limits.refused.items()),
        "limit",
    )


def of_standstills(coordinator: Coordinator) -> Iterator[Metric]:
    """Yield how often the process stood still."""
    count = coordinator.standstill.count
    yield CounterMetricFamily("dides_standstills", "How often the process stood still for more than a second.", count)


def of_overload(overload: Overload, traffic: Traffic) -> Iterator[Metric]:
    """Yield how late the event loop comes, and what that costs."""
    yield histogram("dides_event_loop_lag_seconds", "How late the event loop came, 50 times a second.", overload.lags)
    waiting = "Heartbeats and blocking queries that wait for their turn of the event loop."
    yield GaugeMetricFamily("dides_requests_in_line", waiting, overload.fair_queue.waiting)
    yield GaugeMetricFamily("dides_shedding", "1 while requests that can wait are refused.", overload.refuses)
    shed = {"heartbeat": traffic.heartbeats_shed, "query": traffic.queries_shed}
    yield counter(
        "dides_requests_shed",
        "Requests that were refused because the event loop came late.",
        (((request,), number) for request, number in shed.items()),
        "request",
    )


def of_log() -> Iterator[Metric]:
    """Yield what the log has lost."""
    yield CounterMetricFamily(
        "dides_log_lines_lost", "Lines of the log that could not be written, or had to wait for too long.", lost_lines()
    )
