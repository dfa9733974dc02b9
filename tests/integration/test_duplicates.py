"""An instance as which two agents report, as operators see it: the API, the metrics, and the page."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.app import App, running_app
from support.browsing import Browsing
from support.clocks import FakeClock
from support.scrape import scrape

METRIC = "dides_instances_duplicated"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def app(tmp_path: Path, clock: FakeClock) -> AsyncIterator[App]:
    async with running_app(tmp_path, clock=clock) as running:
        yield running


async def clones(app: App, clock: FakeClock, rounds: int) -> None:
    """Let two agents with one credential report as web-1, beside web-2."""
    await app.register("web-2")
    own = await app.register("web-1")
    await app.beat("web-1", own, code_version="1", status=1, session="first", sequence=1)
    for number in range(1, rounds + 1):
        for session, sequence in (("second", number), ("first", number + 1)):
            clock.advance(2)
            await app.beat("web-1", own, code_version="1", status=1, session=session, sequence=sequence)


async def text(app: App, path: str) -> str:
    answer = await Browsing(app).get(path, Accept="*/*", HX_Request="true")
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_nobody_is_duplicated_at_first(app: App, clock: FakeClock) -> None:
    await clones(app, clock, 2)
    assert (await app.get("/inventory/instances/web-1"))["duplicated"] is False
    assert (await app.get("/inventory/instances?duplicated=true"))["count"] == 0
    assert (await scrape(app)).value(METRIC) == 0
    assert "Two agents" not in await text(app, "/ui/fleet/deployment") + await text(app, "/ui/instances/web-1")


async def test_the_api_and_the_metrics_show_it(app: App, clock: FakeClock) -> None:
    await clones(app, clock, 4)
    assert (await app.get("/inventory/instances/web-1"))["duplicated"] is True
    found = await app.get("/inventory/instances?duplicated=true")
    assert ([each["name"] for each in found["instances"]], found["count"]) == (["web-1"], 1)
    every = await app.get("/inventory/instances")
    assert [each["duplicated"] for each in every["instances"]] == [True, False]
    assert (await scrape(app)).value(METRIC) == 1
    events = await app.get("/events?order=newest")
    assert [each["instance"] for each in events["events"] if each["kind"] == "instance.duplicated"] == ["web-1"]


async def test_the_page_shows_it(app: App, clock: FakeClock) -> None:
    await clones(app, clock, 4)
    page = (await Browsing(app).get("/")).text
    assert 'Two agents report as this instance: <a href="/?instance=web-1">web-1</a>' in page
    assert "Two agents report as this instance" in await text(app, "/ui/fleet/deployment")
    its = await text(app, "/ui/instances/web-1")
    assert "Two agents report as this instance, so nobody knows what it runs." in its
    assert "is reported by two agents" in its
    assert "duplicated" in await text(app, "/ui/instances?names=web-1")
    assert "duplicated" not in await text(app, "/ui/instances?names=web-2")


async def test_it_is_over_once_one_of_them_has_been_silent(app: App, clock: FakeClock) -> None:
    await clones(app, clock, 4)
    clock.advance(61)
    assert (await app.get("/inventory/instances/web-1"))["duplicated"] is False
    assert (await scrape(app)).value(METRIC) == 0


async def test_a_filter_that_is_no_switch_is_refused(app: App) -> None:
    answer = await app.send("GET", "/inventory/instances?duplicated=perhaps")
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": "duplicated", "message": "must be true or false"}]
