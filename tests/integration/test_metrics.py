"""GET /metrics of a running application: who may read it, in which format, and that it is true."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from structlog.testing import capture_logs

from dides.api.overload import Overload
from support.app import PROBLEM, App, running_app, until
from support.clocks import FakeClock
from support.scrape import parsed, scrape
from support.wrapped_store import AwayStore

PLAIN = "text/plain; version=0.0.4; charset=utf-8"
WEB = "/inventory/instances/web-1"
ROUTE = "/inventory/instances/{name}"


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with running_app(tmp_path / "app") as running:
        yield running


async def test_it_is_for_operators(app: App, tmp_path: Path) -> None:
    own = await app.register("web-1")
    statuses = [(await app.send("GET", "/metrics", credential=each)).status_code for each in (None, "x", own)]
    assert statuses == [401, 401, 403]
    async with running_app(tmp_path / "dev", dev=True) as opened:
        assert (await opened.send("GET", "/metrics", credential=None)).status_code == 200
        foreign = {"Origin": "http://elsewhere.example"}
        assert (await opened.send("GET", "/metrics", credential=None, headers=foreign)).status_code == 403


async def test_it_knows_no_parameters(app: App) -> None:
    response = await app.send("GET", "/metrics?name[]=dides_instances")
    assert (response.status_code, response.headers["Content-Type"]) == (422, PROBLEM)


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, PLAIN),
        ("*/*", PLAIN),
        ("text/html", PLAIN),
        ("text/plain;version=0.0.4;q=0.5", PLAIN),
        ("text/plain;version=latest", PLAIN),
        ("application/openmetrics-text;version=x", PLAIN),
        ("text/plain;version=1.0.0", "text/plain; version=1.0.0; charset=utf-8; escaping=underscores"),
        (
            "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.4",
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
        ),
    ],
)
async def test_the_format_is_what_the_sender_accepts(app: App, accept: str | None, content_type: str) -> None:
    response = await app.send("GET", "/metrics", headers={"Accept": accept} if accept else {})
    assert (response.status_code, response.headers["Content-Type"]) == (200, content_type)
    assert "dides_build_info{" in response.text
    head = await app.send("HEAD", "/metrics", headers={"Accept": accept} if accept else {})
    assert (head.status_code, head.headers["Content-Type"], head.content) == (200, content_type, b"")


async def test_as_openmetrics_it_is_strictly_valid(app: App) -> None:
    await worked(app)
    response = await app.send("GET", "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    names = {family.name for family in openmetrics(response.text)}  # type: ignore[no-untyped-call]
    assert {"dides_build", "dides_heartbeats", "dides_step_duration_seconds", "process_cpu_seconds"} <= names


async def test_the_log_has_only_the_scrapes_that_were_refused(app: App) -> None:
    with capture_logs() as lines:
        await app.send("GET", "/metrics")
        await app.send("GET", "/metrics", credential=None)
    assert [(each["path"], each["status"]) for each in lines] == [("/metrics", 401)]


async def worked(app: App) -> str:
    """Let there be heartbeats, a rollout that succeeds and one that fails; return the credential of web-1."""
    own = await app.register("web-1", env="production")
    await app.beat("web-1", own, code_version="1", status=1)
    await app.beat("web-1", own, code_version="1", status=1)
    await app.deploy("2")
    await app.beat("web-1", own, code_version="2", status=1, observed=1)
    await app.send("POST", "/deploy/progress")
    await app.deploy("3")
    await app.beat("web-1", own, status=3, observed=2, message="no")
    await app.send("POST", "/deploy/progress")
    return own


async def test_what_may_only_grow_does(app: App) -> None:
    own = await worked(app)
    before = (await scrape(app)).growing()
    await app.beat("web-1", own, code_version="2", status=1, observed=3)
    await app.send("POST", "/deploy/progress")
    await app.send("GET", "/nothing")
    after = (await scrape(app)).growing()
    assert before.keys() <= after.keys()
    assert {name: after[name] for name in before if after[name] < before[name]} == {}
    assert sum(after[name] > before[name] for name in before) > 20


async def test_histograms_are_whole(app: App) -> None:
    await worked(app)
    families = (await scrape(app)).families
    histograms = [each for each in families.values() if each.type == "histogram"]
    assert len(histograms) > 8
    for family in histograms:
        series: dict[object, list[float]] = {}
        counts = {}
        for each in family.samples:
            key = frozenset((name, value) for name, value in each.labels.items() if name != "le")
            if each.name.endswith("_bucket"):
                series.setdefault(key, []).append(each.value)
            elif each.name.endswith("_count"):
                counts[key] = each.value
        assert counts == {key: buckets[-1] for key, buckets in series.items()}
        assert all(buckets == sorted(buckets) for buckets in series.values())


async def test_two_coordinators_in_one_process_are_two(app: App, tmp_path: Path) -> None:
    async with running_app(tmp_path / "other") as other:
        await app.register("web-1")
        assert [(await scrape(each)).value("dides_instances_reachable") for each in (app, other)] == [1, 0]


async def test_the_fleet(tmp_path: Path) -> None:
    clock = FakeClock()
    async with running_app(tmp_path / "app", clock=clock) as app:
        first = await app.register("web-1")
        await app.register("web-2")
        await app.beat("web-1", first, code_version="1", status=1)
        now = await scrape(app)
        assert now.value("dides_instances", status="healthy", code_version="1") == 1
        assert now.value("dides_instances", status="unknown", code_version="") == 1
        assert now.value("dides_instances_update_needed") == 0
        await app.deploy("2", configuration={"batch_size": 2})
        assert (await scrape(app)).value("dides_instances_update_needed") == 2
        for _ in range(40):  # In small steps: a long one would be an outage, which is nobody's silence.
            clock.advance(1)
            await app.beat("web-1", first)
            await app.coordinator.watch.look(app.coordinator.heartbeats)
        now = await scrape(app)
        assert (now.value("dides_instances_reachable"), now.value("dides_instances_unreachable")) == (1, 1)
        assert now.value("dides_heartbeat_interval_seconds") == 10
        assert now.value("dides_time_to_live_seconds") == 30


async def test_a_deployment_in_flight(tmp_path: Path) -> None:
    clock = FakeClock()
    async with running_app(tmp_path / "app", clock=clock) as app:
        for number in range(4):
            await app.register(f"web-{number}")
        before = await scrape(app)
        assert before.value("dides_deployment_in_flight") == 0
        assert before.values("dides_deployment_info") == before.values("dides_deployment_targets") == {}
        await app.deploy("2", configuration={"batch_size": 2, "failure_threshold": 3})
        clock.advance(12.5)
        now = await scrape(app)
        assert now.value("dides_deployment_in_flight") == 1
        identity = {"id": "1", "kind": "deploy", "code_version": "2", "configuration_version": ""}
        assert now.value("dides_deployment_info", status="running", **identity) == 1
        states = {"pending": 2, "updating": 2, "succeeded": 0, "failed": 0, "skipped": 0}
        assert now.by("state", "dides_deployment_targets") == states
        assert now.value("dides_deployment_window") == 2
        assert now.value("dides_deployment_failure_threshold") == 3
        assert now.value("dides_deployment_age_seconds") == 12.5
        held = now.by("by", "dides_deployment_held")
        assert {by for by, value in held.items() if value} == {"batch_size"}
        assert now.value("dides_instances_told_total") == 2
        await app.send("POST", "/deploy/pause")
        now = await scrape(app)
        assert now.value("dides_deployment_info", status="paused", **identity) == 1
        assert now.value("dides_deployment_held", by="paused") == 1
        await app.send("POST", "/deploy/resume")
        assert (await scrape(app)).value("dides_deployment_held", by="paused") == 0


async def test_steps(tmp_path: Path) -> None:
    async with running_app(tmp_path / "app", wrap=AwayStore) as app:
        assert isinstance(app.store, AwayStore)
        await app.register("web-1")
        await app.send("POST", "/deploy/progress")
        assert (await scrape(app)).value("dides_step_duration_seconds_count") == 0, "nothing was in flight"
        await app.deploy("2")
        await app.send("POST", "/deploy/progress")
        app.store.away = True
        assert (await app.send("POST", "/deploy/progress")).status_code == 503
        now = await scrape(app)
        assert now.value("dides_step_duration_seconds_count") == 1
        assert now.value("dides_steps_failed_total") == 1


async def ended(app: App) -> dict[tuple[str, str], float]:
    """Return how many deployments have ended, by kind and status, where there are any."""
    values = (await scrape(app)).values("dides_deployments_ended_total")
    assert len(values) == 6
    by_kind = {(dict(labels)["kind"], dict(labels)["status"]): value for labels, value in values.items()}
    return {each: value for each, value in by_kind.items() if value}


async def in_flight(app: App) -> list[tuple[str, str]]:
    """Return the id and the kind of what is in flight."""
    values = (await scrape(app)).values("dides_deployment_info")
    return [(dict(labels)["id"], dict(labels)["kind"]) for labels in values]


async def test_deployments_that_end(app: App) -> None:
    own = await worked(app)
    assert await ended(app) == {("deploy", "completed"): 1, ("deploy", "failed"): 1}
    assert await in_flight(app) == [("3", "rollback")]
    await app.beat("web-1", own, code_version="2", status=1, observed=3)
    await app.send("POST", "/deploy/progress")
    assert await ended(app) == {("deploy", "completed"): 1, ("deploy", "failed"): 1, ("rollback", "completed"): 1}
    assert await in_flight(app) == []


async def test_deployments_that_operators_end(app: App) -> None:
    own = await app.register("web-1")
    await app.beat("web-1", own, code_version="1", status=1)
    await app.deploy("2")
    await app.send("POST", "/deploy/abort")
    assert (await ended(app), await in_flight(app)) == ({("deploy", "aborted"): 1}, [])
    await app.deploy("3")
    await app.send("POST", "/deploy/abort", {"rollback": True})
    assert (await ended(app), await in_flight(app)) == ({("deploy", "aborted"): 2}, [("3", "rollback")])
    await app.send("POST", "/deploy/abort")
    assert await in_flight(app) == []
    await app.deploy("4")
    await app.send("POST", "/deploy/rollback")
    expected = {("deploy", "aborted"): 3, ("rollback", "aborted"): 1}
    assert (await ended(app), await in_flight(app)) == (expected, [("5", "rollback")])


async def test_undoing_what_had_ended_ends_nothing(app: App) -> None:
    own = await app.register("web-1")
    await app.beat("web-1", own, code_version="1", status=1)
    await app.deploy("2")
    await app.beat("web-1", own, code_version="2", status=1, observed=1)
    await app.send("POST", "/deploy/progress")
    await app.send("POST", "/deploy/rollback")
    assert (await ended(app), await in_flight(app)) == ({("deploy", "completed"): 1}, [("2", "rollback")])


async def test_heartbeats_by_what_became_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    overload = Overload(most=0)
    async with running_app(tmp_path / "app", wrap=AwayStore, overload=overload) as app:
        assert isinstance(app.store, AwayStore)
        own = await app.register("web-1")
        for _ in range(3):
            await app.beat("web-1", own, code_version="1", status=1)
        await app.send("PATCH", WEB, {"status": 1}, credential="x")
        await app.send("PATCH", WEB, {"status": 9}, credential=own)
        await app.send("PATCH", WEB, content=b"{", credential=own)
        await app.send("PATCH", WEB, {"labels": {}}, credential=own)
        overload.shedding = True
        await app.send("PATCH", WEB, {}, credential=own)
        overload.shedding = False
        with monkeypatch.context() as patch:
            patch.setattr("dides.coordinator.heartbeats.MOST_WAITING", 0)
            await app.send("PATCH", WEB, {"status": 2}, credential=own)
        app.store.away = True
        await app.send("PATCH", WEB, {"status": 2}, credential=own)
        app.store.away = False
        await app.send("DELETE", WEB)
        await app.send("PATCH", WEB, {}, credential=own)
        now = await scrape(app)
    assert now.by("outcome", "dides_heartbeats_total") == {
        "unchanged": 2,
        "written": 1,
        "unauthorized": 2,
        "invalid": 2,
        "shed": 1,
        "busy": 1,
        "unavailable": 1,
        "gone": 1,
        "error": 0,
    }
    assert now.by("request", "dides_requests_shed_total") == {"heartbeat": 1, "query": 0}
    assert now.value("dides_heartbeat_batch_size_sum") == 1
    assert now.value("dides_heartbeat_write_duration_seconds_count") == 1
    patches = {
        status: now.value("dides_http_requests_total", method="PATCH", route=ROUTE, status=status)
        for status in ("2xx", "4xx", "5xx")
    }
    assert patches == {"2xx": 3, "4xx": 7, "5xx": 1}


async def test_blocking_queries(app: App) -> None:
    own = await app.register("web-1")
    waiting = asyncio.create_task(app.send("GET", f"{WEB}/desired?generation=0&wait=30", credential=own))
    await app.until_held("web-1")
    now = await scrape(app)
    assert (now.value("dides_queries_held"), now.value("dides_queries_woken_total")) == (1, 0)
    await app.deploy("2")
    assert (await waiting).status_code == 200
    await app.send("GET", f"{WEB}/desired?wait=0", credential=own)
    now = await scrape(app)
    assert (now.value("dides_queries_held"), now.value("dides_queries_woken_total")) == (0, 1)
    queries = now.value("dides_http_requests_total", method="GET", route=f"{ROUTE}/desired", status="2xx")
    assert queries == 2, "one in front of the framework, one by its route"


async def test_requests_cannot_make_series_up(app: App) -> None:
    for number in range(5):
        await app.send("GET", f"/nothing-{number}")
        await app.send("GET", f"/inventory/instances/web-{number}")
        await app.send(f"MAKE{number}", "/deploy")
    requests = (await scrape(app)).values("dides_http_requests_total")
    assert {tuple(value for _, value in sorted(labels)): number for labels, number in requests.items() if number} == {
        ("GET", "other", "4xx"): 5,
        ("GET", ROUTE, "4xx"): 5,
        ("other", "other", "4xx"): 5,
    }


async def test_the_store(app: App) -> None:
    await app.register("web-1")
    before = await scrape(app)
    assert (before.value("dides_ready"), before.value("dides_store_behind_seconds")) == (1, 0)
    assert before.value("dides_store_units_waiting", writer="sqlite-writer") == 0
    await app.register("web-2")
    await app.send("DELETE", "/inventory/instances/nobody")
    after = await scrape(app)
    units = {
        outcome: after.value("dides_store_units_total", writer="sqlite-writer", outcome=outcome)
        - before.value("dides_store_units_total", writer="sqlite-writer", outcome=outcome)
        for outcome in ("done", "refused", "lost")
    }
    assert units == {"done": 1, "refused": 1, "lost": 0}
    counts = {
        name: after.value(f"dides_store_{name}_count", writer="sqlite-writer")
        - before.value(f"dides_store_{name}_count", writer="sqlite-writer")
        for name in ("transaction_duration_seconds", "transaction_units", "commit_duration_seconds")
    }
    assert list(counts.values()) == [2, 2, 1], "what was refused alone is not committed"


async def test_it_is_served_while_the_store_is_away(tmp_path: Path) -> None:
    async with running_app(tmp_path / "app", wrap=AwayStore) as app:
        assert isinstance(app.store, AwayStore)
        app.store.away = True
        await until(lambda: app.coordinator.watch.trouble is not None)
        assert (await scrape(app)).value("dides_ready") == 0


async def test_how_late_the_event_loop_comes(tmp_path: Path) -> None:
    overload = Overload()
    async with running_app(tmp_path / "app", overload=overload) as app:
        watching = asyncio.create_task(overload.watch())
        await until(lambda: overload.lags.cumulative()[-1] > 0)
        assert (await scrape(app)).value("dides_event_loop_lag_seconds_count") > 0
        watching.cancel()


async def test_heartbeats_go_on_while_it_is_written(app: App) -> None:
    """It is written in a thread: new versions, routes and instances come while that one counts the ones there are."""
    names = [f"web-{number}" for number in range(40)]
    credentials = {name: await app.register(name) for name in names}
    scraping = [asyncio.create_task(app.send("GET", "/metrics")) for _ in range(20)]
    for turn in range(5):
        await asyncio.gather(*(app.beat(name, credentials[name], code_version=f"{turn}-{name}") for name in names))
    for each in asyncio.as_completed(scraping):
        response = await each
        assert response.status_code == 200
        versions = {dict(labels)["code_version"] for labels in parsed(response.text).values("dides_instances")}
        assert len(versions) <= 21
