"""Wrong credentials are limited by address; right ones go through all the same, from the same address too."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import httpx2
import pytest

from dides.coordinator.settings import Settings
from dides.store.interface import Transaction
from support.app import OPERATOR, PROBLEM, REGISTRATION, App, running_app
from support.browsing import Browsing
from support.clocks import FakeClock
from support.wrapped_store import WrappedStore

T = TypeVar("T")
LIMITED = Settings(reconcile_interval=3600)
ATTEMPTS = 100
"""How many wrong ones may come at once."""
HERE, ELSEWHERE = {"X-Forwarded-For": "203.0.113.7"}, {"X-Forwarded-For": "203.0.113.8"}
FORWARDED = {"X_Forwarded_For": "203.0.113.7"}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def app(tmp_path: Path, clock: FakeClock) -> AsyncIterator[App]:
    async with running_app(tmp_path, clock=clock, settings=LIMITED, trusted=["127.0.0.1"]) as app:
        yield app


async def ask(app: App, credential: str, path: str = "/deployments", **headers: str) -> httpx2.Response:
    return await app.send("GET", path, credential=credential, headers={**HERE, **headers})


async def exhaust(app: App) -> None:
    """Send as many wrong credentials as may come at once, and a few more."""
    found = [(await ask(app, f"wrong-{number}")).status_code for number in range(ATTEMPTS + 5)]
    assert found == [401] * ATTEMPTS + [429] * 5


async def test_so_many_wrong_ones_come_at_once_and_then_ten_a_second(app: App, clock: FakeClock) -> None:
    await exhaust(app)
    refused = await ask(app, "wrong")
    assert (refused.headers["Content-Type"], refused.headers["Retry-After"]) == (PROBLEM, "1")
    assert "wrong credentials have come from this address" in refused.json()["detail"]
    clock.advance(1.001)
    assert [(await ask(app, "wrong")).status_code for _ in range(11)] == [401] * 10 + [429]


async def test_right_ones_go_through_from_the_same_address(app: App) -> None:
    credential = await app.register("web-1")
    await exhaust(app)
    assert (await ask(app, OPERATOR)).status_code == 200
    assert (await ask(app, credential, "/inventory/instances/web-1")).status_code == 200
    beat = await app.send("PATCH", "/inventory/instances/web-1", {"status": 1}, credential=credential, headers=HERE)
    assert beat.status_code == 200
    registration = {"instance": {"name": "web-2", "ip": "192.0.2.1", "labels": {}}, "token": REGISTRATION}
    registered = await app.send("POST", "/inventory/register", registration, credential=None, headers=HERE)
    assert registered.status_code == 201
    assert (await Browsing(app, "").post("/ui/login", {"token": OPERATOR}, **FORWARDED)).status_code == 303


async def test_other_addresses_are_not_concerned(app: App) -> None:
    await exhaust(app)
    assert (await ask(app, "wrong", **ELSEWHERE)).status_code == 401
    invented = {"X-Forwarded-For": "198.51.100.1, 203.0.113.7"}
    assert (await ask(app, "wrong", **invented)).status_code == 429, "the proxy says from where it really came"


async def test_tokens_that_are_typed_or_configured_count_too(app: App) -> None:
    await exhaust(app)
    login = await Browsing(app, "").post("/ui/login", {"token": "wrong"}, **FORWARDED)
    assert (login.status_code, login.headers["Retry-After"]) == (429, "1")
    assert "wrong credentials have come from this address" in login.text
    registration = {"instance": {"name": "web-2", "ip": "192.0.2.1", "labels": {}}, "token": "wrong"}
    registered = await app.send("POST", "/inventory/register", registration, credential=None, headers=HERE)
    assert registered.status_code == 429


async def test_beyond_the_limit_a_wrong_one_is_not_looked_up(tmp_path: Path) -> None:
    reads = list[int]()

    class Counting(WrappedStore):
        async def read(self, work: Callable[[Transaction], T]) -> T:
            reads.append(1)
            return await super().read(work)

    async with running_app(tmp_path, clock=FakeClock(), settings=LIMITED, trusted=["127.0.0.1"], wrap=Counting) as app:
        await exhaust(app)
        before = len(reads)
        assert {(await ask(app, f"wrong-{number}")).status_code for number in range(20)} == {429}
        assert len(reads) == before


async def test_without_a_credential_nothing_is_counted(app: App) -> None:
    found = {(await app.send("GET", "/deployments", credential=None)).status_code for _ in range(ATTEMPTS + 5)}
    assert found == {401}
