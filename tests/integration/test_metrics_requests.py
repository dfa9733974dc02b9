"""GET /metrics is true of heartbeats, queries, the store and the event loop."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dides.api.fastpath.load_shedding import Overload
from support.app import App, running_app, until
from support.scrape import parsed, scrape
from support.wrapped_store import AwayStore

WEB = "/inventory/instances/web-1"
ROUTE = "/inventory/instances/{name}"


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with running_app(tmp_path / "app") as running:
        yield running


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
            patch.setattr("dides.coordinator.loops.heartbeat_queue.MOST_WAITING", 0)
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
        "limited": 0,
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


async def test_how_often_the_process_stood_still(app: App) -> None:
    assert (await scrape(app)).value("dides_standstills_total") == 0
    standstill = app.coordinator.standstill
    standstill.start()
    standstill.seconds = lambda: 1e12
    standstill.look()
    assert (await scrape(app)).value("dides_standstills_total") == 1


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
