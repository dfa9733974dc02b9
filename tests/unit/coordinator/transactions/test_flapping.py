"""What an instance reports again within a minute is counted, and the log ends with how it is."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from dides.coordinator.transactions import flapping as module
from dides.coordinator.transactions.flapping import Flapping, News
from dides.model.state import State, Status
from dides.store.records import Event
from support.app import App, running_app, until
from support.clocks import FakeClock

HEALTHY: dict[str, Any] = {"status": 1}
FAILED: dict[str, Any] = {"status": 3, "message": "no answer"}


def news(status: Status, generation: int = 1, name: str = "web-1", **data: object) -> News:
    said = {"status": status.name, "message": "", **data}
    return News(Event(at=0, kind="instance.reported", actor=f"instance:{name}", instance=name, data=said), generation)


async def flap(app: App, credential: str, *reports: dict[str, Any]) -> None:
    for report in reports:
        await app.beat("web-1", credential, **report)


async def logged(app: App) -> list[tuple[str, int]]:
    """Return what web-1 has reported, and how often beside."""
    events = (await app.get("/events?limit=1000"))["events"]
    reported = [event["data"] for event in events if event["kind"] == "instance.reported"]
    return [(data["status"], data.get("repeated", 0)) for data in reported]


@pytest.fixture
def short_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.5)


async def test_flapping_is_one_event_of_each_kind_and_one_with_a_count(tmp_path: Path, short_minute: None) -> None:
    async with running_app(tmp_path) as app:
        credential = await app.register("web-1")
        await flap(app, credential, *([HEALTHY, FAILED] * 8))
        assert await logged(app) == [("HEALTHY", 0), ("FAILED", 0)]
        async with asyncio.timeout(10):
            while len(await logged(app)) < 4:
                await asyncio.sleep(0.01)
        assert await logged(app) == [("HEALTHY", 0), ("FAILED", 0), ("HEALTHY", 7), ("FAILED", 7)]
        assert (await app.get("/inventory/instances/web-1"))["status"] == 3
        await flap(app, credential, HEALTHY)
        assert (await logged(app))[-1] == ("HEALTHY", 0), "a new minute has begun"


async def test_what_differs_is_an_event_of_its_own(tmp_path: Path) -> None:
    async with running_app(tmp_path) as app:
        credential = await app.register("web-1")
        failures = [{**FAILED, "message": str(number)} for number in range(3)]
        await flap(app, credential, HEALTHY, failures[0], HEALTHY, failures[1], HEALTHY, failures[2])
        assert await logged(app) == [("HEALTHY", 0), *[("FAILED", 0)] * 3]
        await app.deploy("2")
        await flap(app, credential, {"status": 2}, HEALTHY)
        assert (await logged(app))[-2:] == [("DEGRADED", 0), ("HEALTHY", 0)], "it is told another generation"


def sifted(flapping: Flapping, *reports: News) -> Sequence[Event]:
    events = flapping.sift(reports)
    flapping.note(reports)
    return events


async def test_the_log_ends_with_how_the_instance_is(tmp_path: Path) -> None:
    async with running_app(tmp_path) as app:
        await app.register("web-1")
        clock = FakeClock()
        flapping = Flapping(app.store, clock)
        for status in (Status.HEALTHY, Status.FAILED, Status.HEALTHY, Status.HEALTHY, Status.DEGRADED):
            sifted(flapping, news(status, current=State("1")))
        clock.advance(61_000)
        running = asyncio.create_task(flapping.run())
        await until(lambda: not flapping)
        running.cancel()
        assert await logged(app) == [("HEALTHY", 2), ("DEGRADED", 0)]


async def test_nothing_is_written_of_what_was_not_repeated_or_is_gone(tmp_path: Path) -> None:
    async with running_app(tmp_path) as app:
        await app.register("web-1")
        clock = FakeClock()
        flapping = Flapping(app.store, clock)
        assert len(sifted(flapping, news(Status.HEALTHY), news(Status.FAILED, name="gone"))) == 2
        assert sifted(flapping, news(Status.FAILED, name="gone")) == []
        clock.advance(61_000)
        running = asyncio.create_task(flapping.run())
        await until(lambda: not flapping)
        running.cancel()
        assert await logged(app) == []


async def test_there_is_an_end_to_what_is_remembered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "MOST", 1)
    async with running_app(tmp_path) as app:
        flapping = Flapping(app.store, FakeClock())
        both = (news(Status.FAILED, name="a"), news(Status.FAILED, name="b"))
        assert [event.instance for event in sifted(flapping, *both)] == ["a", "b"]
        assert [event.instance for event in sifted(flapping, *both)] == ["b"]
