"""GET /events as a stream: over real sockets, as browsers and scripts read it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dides.api.routes import sse as module
from support.app import OPERATOR, PROBLEM, App, running_app, running_on, until
from support.clocks import FakeClock
from support.event_stream import STREAM, listening
from support.postgres import databases, open_postgresql
from support.serving import Serving, request, serving
from support.stores import open_sqlite
from support.wrapped_store import AwayStore

ASKING = f"Accept: {STREAM}"


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with running_app(tmp_path) as app:
        yield app


@pytest.fixture
async def served(app: App) -> AsyncIterator[Serving]:
    async with serving(app.asgi) as served:
        yield served


async def register(app: App, number: int, first: int = 1) -> None:
    for each in range(first, first + number):
        await app.register(f"web-{each}")


async def test_every_event_as_the_pages_have_it(app: App, served: Serving) -> None:
    async with listening(served.url) as stream:
        headers = stream.response.headers
        assert headers["Content-Type"].startswith(STREAM)
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Accel-Buffering"] == "no"
        assert "Content-Length" not in headers
        await register(app, 2)
        await app.deploy()
        heard = await stream.events(4)
    assert heard == (await app.get("/events"))["events"][:4]
    assert [each["kind"] for each in heard[:3]] == ["instance.registered"] * 2 + ["deployment.triggered"]


async def test_it_goes_on_after_the_last_id_once_each_and_in_order(app: App, served: Serving) -> None:
    heard: list[int] = []
    last: int | None = 0
    for round_number in range(5):
        async with listening(served.url, last=last) as stream:
            await register(app, 3, first=1 + 5 * round_number)
            heard += await stream.ids(3 if round_number == 0 else 5)
            last = stream.last
        await register(app, 2, first=4 + 5 * round_number)
    assert heard == list(range(1, 24))


async def test_without_a_last_id_it_begins_now(app: App, served: Serving) -> None:
    await register(app, 3)
    async with listening(served.url) as stream:
        assert stream.last == 3
        await register(app, 1, first=4)
        assert await stream.ids(1) == [4]


async def test_one_deployment_alone(app: App, served: Serving) -> None:
    await register(app, 1)
    first = await app.deploy("1")
    await app.send("POST", "/deploy/abort")
    second = await app.deploy("2")
    async with listening(served.url, f"?deployment={second.id}", last=0) as stream:
        events = await stream.events(2)
    assert {each["deployment_id"] for each in events} == {second.id}
    async with listening(served.url, f"?deployment={first.id}", last=0) as stream:
        assert {each["deployment_id"] for each in await stream.events(3)} == {first.id}


async def test_pages_are_as_before_and_can_be_of_one_deployment(app: App) -> None:
    await register(app, 1)
    deployment = await app.deploy()
    for accept in ("application/json", "*/*", "text/html", ""):
        answer = await app.send("GET", "/events", headers={"Accept": accept})
        assert answer.headers["Content-Type"].startswith("application/json")
        assert len(answer.json()["events"]) == 3
    page = await app.get(f"/events?deployment={deployment.id}")
    assert {each["deployment_id"] for each in page["events"]} == {deployment.id}
    assert page == await app.get(f"/deployments/{deployment.id}/events")
    assert (await app.get("/events?deployment=77"))["events"] == []
    for wrong in ("0", "-1", "x", ""):
        assert (await app.send("GET", f"/events?deployment={wrong}")).status_code == 422


@pytest.mark.parametrize("last", ["", "x", "-1", "1.5", "1" * 16, "1 2", "\u00b2"])
async def test_what_is_no_id_is_refused(app: App, last: str) -> None:
    for accept in (STREAM, "application/json"):
        answer = await app.send("GET", "/events", headers={"Accept": accept, "Last-Event-ID": last})
        assert (answer.status_code, answer.headers["Content-Type"]) == (422, PROBLEM)
        assert answer.json()["errors"][0]["field"] == "Last-Event-ID"
    assert app.coordinator.tail.listeners == 0


async def test_who_may_not_is_refused(app: App) -> None:
    own = await app.register("web-1")
    for credential, status in ((None, 401), ("garbage", 401), (own, 403)):
        answer = await app.send("GET", "/events", credential=credential, headers={"Accept": STREAM})
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, PROBLEM)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
async def test_head_and_options_do_not_wait_for_events(app: App, served: Serving, method: str) -> None:
    wire = await served.wire()
    answered = await wire.all_of(request(method, "/events", OPERATOR, b"", ASKING))
    heads = answered.lower().split(b"http/1.1 ")[1:]
    assert heads[0].startswith(b"200" if method == "HEAD" else b"204")
    assert (b"content-type: text/event-stream" in heads[0]) is (method == "HEAD")
    assert heads[1].startswith(b"200"), "the connection can be used again"
    assert app.coordinator.tail.listeners == 0


async def test_one_that_hangs_up_is_forgotten(app: App, served: Serving) -> None:
    before = asyncio.all_tasks()
    wires = [await served.wire() for _ in range(5)]
    for each in wires:
        each.send(request("GET", "/events", OPERATOR, b"", ASKING))
    await until(lambda: app.coordinator.tail.listeners == 5)
    for each in wires:
        each.close()
    await until(lambda: app.coordinator.tail.listeners == 0)
    await until(lambda: not asyncio.all_tasks() - before)


async def test_something_is_said_where_nothing_happens(
    app: App, served: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    await register(app, 2)
    async with listening(served.url) as stream:
        assert [await stream.message() for _ in range(3)] == [("idle", 2, {})] * 3


async def test_a_stop_ends_every_stream(app: App, served: Serving) -> None:
    async with listening(served.url) as one, listening(served.url) as other:
        app.coordinator.release()
        await asyncio.gather(one.end(), other.end())
    answer = await app.send("GET", "/events", headers={"Accept": STREAM})
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers


async def test_while_the_log_cannot_be_read_no_stream_pretends_to_work(tmp_path: Path) -> None:
    store = AwayStore(open_sqlite(tmp_path, FakeClock()))
    async with running_on(store) as app, serving(app.asgi) as served:
        await app.register("web-1")
        async with listening(served.url) as stream:
            store.away = True
            await stream.end()
        answer = await app.send("GET", "/events", headers={"Accept": STREAM})
        assert (answer.status_code, answer.headers["Content-Type"]) == (503, PROBLEM)
        store.away = False
        await app.register("web-2")
        async with listening(served.url, last=stream.last) as stream:
            assert [each["instance"] for each in await stream.events(1)] == ["web-2"]


async def test_it_goes_on_at_another_coordinator_once_each_and_in_order(tmp_path: Path) -> None:
    """The stream changes over and over between two, while both write: nothing is missed, and nothing heard twice."""
    with databases(tmp_path):
        clock = FakeClock()
        async with (
            running_on(open_postgresql(tmp_path, clock)) as one,
            running_on(open_postgresql(tmp_path, clock)) as other,
            serving(one.asgi) as first,
            serving(other.asgi) as second,
        ):
            writing = asyncio.gather(*(write(app, f"{name}-") for app, name in ((one, "a"), (other, "b"))))
            heard: list[int] = []
            last: int | None = 0
            while len(heard) < 2 * WRITTEN:
                for each in (first, second):
                    async with listening(each.url, last=last) as stream:
                        heard += await stream.ids(min(7, 2 * WRITTEN - len(heard)))
                        last = heard[-1]
            await writing
            every = await one.get("/events?limit=1000")
    assert heard == [each["id"] for each in every["events"]]


WRITTEN = 60


async def write(app: App, prefix: str) -> None:
    for number in range(WRITTEN):
        await app.register(f"{prefix}{number}")
