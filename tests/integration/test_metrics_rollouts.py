"""GET /metrics is true of the fleet and its deployments."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.app import App, running_app, worked
from support.clocks import FakeClock
from support.scrape import scrape
from support.wrapped_store import AwayStore


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with running_app(tmp_path / "app") as running:
        yield running


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
