"""How late instances converge, over HTTP, on the page of the fleet and as a metric: and how it goes on once stopped."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from support.app import App, running_app
from support.clocks import FakeClock
from support.scrape import scrape


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def app(tmp_path: Path, clock: FakeClock) -> AsyncIterator[App]:
    """Return an application in which two have registered after a deployment, and the first of them has failed."""
    async with running_app(tmp_path, dev=True, clock=clock) as app:
        first = await app.register("a")
        await app.deploy("2", labels={})
        await app.beat("a", first, code_version="2", status=1)
        await app.send("POST", "/deploy/progress")
        heir = await app.register("b")
        await app.register("c")
        await app.beat("b", heir, code_version="2", status=3)
        yield app


async def sources(app: App) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await app.send("GET", "/converge")).json()["sources"]
    return found


async def test_how_it_stands(app: App) -> None:
    (source,) = await sources(app)
    assert source.pop("stopped_at").endswith("Z")
    assert source == {
        "deployment_id": 1,
        "code_version": "2",
        "configuration_version": None,
        "waiting": 1,
        "converging": 0,
        "arrived": 0,
        "failed": 1,
        "limit": 1,
    }


async def test_an_operator_lets_it_go_on(app: App) -> None:
    for _ in range(2):
        response = await app.send("POST", "/converge/resume", {"deployment_id": 1})
        assert response.status_code == 200
        assert (response.json()["converging"], response.json()["stopped_at"]) == (1, None)
    assert (await app.send("GET", "/inventory/instances/c")).json()["desired"]["code_version"] == "2"


async def test_without_a_number_the_only_one_is_meant(app: App) -> None:
    assert (await app.send("POST", "/converge/resume")).json()["deployment_id"] == 1
    assert (await app.send("POST", "/converge/resume")).status_code == 404
    assert (await app.send("POST", "/converge/resume", {"deployment_id": 9})).status_code == 404


async def test_it_is_a_metric(app: App, clock: FakeClock) -> None:
    clock.advance(2)
    await app.coordinator.watch.look(app.coordinator.heartbeats)
    assert (await scrape(app)).value("dides_convergence_stopped") == 1
    await app.send("POST", "/converge/resume")
    clock.advance(2)
    await app.coordinator.watch.look(app.coordinator.heartbeats)
    assert (await scrape(app)).value("dides_convergence_stopped") == 0


async def test_a_card_on_the_page_of_the_fleet_says_so_and_lets_it_go_on(app: App) -> None:
    page = (await app.send("GET", "/", headers={"Accept": "text/html"})).text
    assert "Late instances no longer get" in page
    question = (await app.send("GET", "/ui/converge/1/confirm")).text
    assert "1 instance waits" in question
    assert (await app.send("POST", "/ui/converge/1/resume")).status_code == 303
    assert "Late instances" not in (await app.send("GET", "/", headers={"Accept": "text/html"})).text
    assert "has not stopped" in (await app.send("GET", "/ui/converge/1/confirm")).text
