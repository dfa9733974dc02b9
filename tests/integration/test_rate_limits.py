"""One identity cannot crowd out others: what an instance, and an address with wrong credentials, may ask for."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from dides.api.fastpath.asgi import FastPath
from dides.api.fastpath.protocol import answering_connection
from dides.api.limits.rate_limits import RateLimits
from dides.coordinator.settings import Settings
from support.app import PROBLEM, REGISTRATION, App, running_app
from support.clocks import FakeClock
from support.scrape import scrape
from support.serving import request, serving

LIMITED = Settings(reconcile_interval=3600)
HEALTHY, FAILED = {"status": 1}, {"status": 3}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def app(tmp_path: Path, clock: FakeClock) -> AsyncIterator[App]:
    async with running_app(tmp_path, clock=clock, settings=LIMITED, trusted=["127.0.0.1"]) as app:
        yield app


async def send(app: App, name: str, credential: str, body: dict[str, Any] | None = None) -> httpx2.Response:
    return await app.send("PATCH", f"/inventory/instances/{name}", body or {}, credential=credential)


async def statuses(app: App, name: str, credential: str, number: int, *bodies: dict[str, Any]) -> list[int]:
    sent = [bodies[each % len(bodies)] for each in range(number)]
    return [(await send(app, name, credential, body)).status_code for body in sent]


def check_refusal(response: httpx2.Response, what: str) -> None:
    assert (response.status_code, response.headers["Content-Type"]) == (429, PROBLEM)
    assert 1 <= int(response.headers["Retry-After"]) <= 5
    assert what in response.json()["detail"]
    assert response.json()["type"] == "urn:dides:problem:rate"


async def test_an_instance_has_five_requests_a_second_and_fifty_at_once(app: App, clock: FakeClock) -> None:
    credential, other = await app.register("web-1"), await app.register("web-2")
    assert await statuses(app, "web-1", credential, 60, HEALTHY) == [200] * 50 + [429] * 10
    check_refusal(await send(app, "web-1", credential, HEALTHY), "asks too often")
    assert (await send(app, "web-2", other)).status_code == 200, "others have their own share"
    clock.advance(1.001)
    assert await statuses(app, "web-1", credential, 7, HEALTHY) == [200] * 5 + [429] * 2
    clock.advance(60)
    assert await statuses(app, "web-1", credential, 51, HEALTHY) == [200] * 50 + [429]


async def test_an_operator_reads_that_an_instance_sends_too_much(app: App, clock: FakeClock) -> None:
    credential = await app.register("web-1")
    await statuses(app, "web-1", credential, 51, HEALTHY)
    path = "/inventory/instances/web-1"
    assert (await app.send("GET", path)).json()["why"]["cause"] == "rate_limited"
    clock.advance(60)
    assert (await app.send("GET", path)).json()["why"]["cause"] != "rate_limited"


async def test_of_them_one_a_second_may_change_something_and_twenty_at_once(app: App, clock: FakeClock) -> None:
    credential = await app.register("web-1")
    assert await statuses(app, "web-1", credential, 22, HEALTHY, FAILED) == [200] * 20 + [429] * 2
    check_refusal(await send(app, "web-1", credential, HEALTHY), "changes too often")
    clock.advance(1.001)
    assert await statuses(app, "web-1", credential, 5, HEALTHY) == [200] * 5, "what changes nothing goes on"
    assert (await send(app, "web-1", credential, {"status": 2})).status_code == 429
    registered = {"instance": {"name": "web-1", "ip": "192.0.2.9", "labels": {}}, "token": REGISTRATION}
    again = await app.send("POST", "/inventory/register", registered, credential=credential)
    check_refusal(again, "changes too often")


@pytest.mark.parametrize("path", ["/inventory/instances/web-1", "/deployments"])
async def test_the_routes_count_too_whatever_is_asked_of_them(app: App, path: str) -> None:
    credential = await app.register("web-1")
    found = [(await app.send("GET", path, credential=credential)).status_code for _ in range(52)]
    assert (set(found[:50]), found[50:]) == ({200 if "web-1" in path else 403}, [429, 429])
    assert (await send(app, "web-1", credential)).status_code == 429, "it is one share for both ways"
    odd = b'{"status": 3, "nonsense": 1}'
    refused = await app.send("PATCH", "/inventory/instances/web-1", content=odd, credential=credential)
    assert refused.status_code == 429


async def test_the_same_holds_on_a_connection_which_then_rests_or_closes(app: App) -> None:
    credential = await app.register("web-1")
    assert isinstance(app.asgi, FastPath)
    async with serving(app.asgi, answering_connection(app.asgi)) as server:
        wire = await server.wire()
        beat = request("PATCH", "/inventory/instances/web-1", credential, b'{"status":1}')
        found = [(await wire.ask(beat)).status for _ in range(51)]
        assert found == [200] * 50 + [429]
        read = request("GET", "/inventory/instances/web-1", credential)
        wire.send(read * 3)
        refused = (await wire.rest()).split(b"\r\n")
        assert refused.count(b"HTTP/1.1 429 Too Many Requests") == 1
        assert b"connection: close" in refused


async def test_metrics_say_how_often_a_limit_was_met(app: App) -> None:
    credential = await app.register("web-1")
    await statuses(app, "web-1", credential, 52, HEALTHY)
    await app.send("GET", "/inventory/instances/web-1", credential=credential)
    now = await scrape(app)
    met = now.by("limit", "dides_requests_limited_total")
    assert met == {"requests": 3, "changes": 0, "wrong": 0, "connections": 0}
    assert now.by("outcome", "dides_heartbeats_total")["limited"] == 2


async def test_operators_are_not_limited(app: App) -> None:
    await app.register("web-1")
    assert {(await app.send("GET", "/deployments")).status_code for _ in range(150)} == {200}
    labels = [{"labels": {"a": str(number)}} for number in range(30)]
    sent = [await app.send("PATCH", "/inventory/instances/web-1", each) for each in labels]
    assert {response.status_code for response in sent} == {200}


@pytest.mark.parametrize("dev", [True, False])
async def test_there_are_no_limits_in_the_development_and_in_the_manual_mode(tmp_path: Path, dev: bool) -> None:
    settings = LIMITED if dev else Settings(reconcile_interval=0)
    async with running_app(tmp_path, dev=dev, settings=settings) as app:
        credential = await app.register("web-1")
        assert set(await statuses(app, "web-1", credential, 60, HEALTHY, FAILED)) == {200}


async def test_a_setting_of_nought_is_no_limit(tmp_path: Path) -> None:
    settings = Settings(reconcile_interval=3600, instance_requests=0, instance_changes=0)
    async with running_app(tmp_path, clock=FakeClock(), settings=settings) as app:
        credential = await app.register("web-1")
        assert set(await statuses(app, "web-1", credential, 60, HEALTHY, FAILED)) == {200}


@pytest.mark.parametrize("interval", [0.05, 0.2, 1.0, 10.0, 600.0])
def test_nobody_is_refused_who_reports_as_often_as_asked_for(interval: float, clock: FakeClock) -> None:
    settings = Settings(heartbeat_interval=interval, time_to_live=3 * interval)
    limits = RateLimits(settings, clock.monotonic, b"")
    for _ in range(500):
        clock.advance(interval)
        for _ in range(3):
            limits.check_request("web-1")
        limits.check_change("web-1")
