"""Whole numbers that no database and no type takes: refused wherever one is sent, whatever stores the rest."""

import base64
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from dides.runtime.clock import SystemClock
from support.app import OPERATOR, App, running_on
from support.browsing import Browsing
from support.postgres import databases
from support.stores import OPENERS

NUMBERS = ("2147483648", "9007199254740993", "9223372036854775808", "-9223372036854775809", "9" * 30, "9" * 5000)
PATHS = (
    "/events?deployment={}",
    "/events?limit={}",
    "/events?cursor={cursor}",
    "/deployments?cursor={cursor}",
    "/deployments/{}",
    "/deployments/{}/instances",
    "/deployments/{}/events",
    "/deployments/1/instances?cursor={cursor}",
    "/deployments/1/events?cursor={cursor}",
    "/inventory/instances?limit={}",
    "/inventory/instances?status={}",
    "/inventory/instances/web-1/desired?generation={}&wait=0",
    "/inventory/instances/web-1/desired?generation=0&wait={}",
)
PAGES = (
    "/ui/deployments/{}",
    "/ui/deployments/{}/summary",
    "/ui/deployments/{}/timeline.json",
    "/ui/deployments/{}/confirm/abort",
    "/ui/deployments?cursor={cursor}",
    "/ui/deployments?limit={}",
    "/ui/events?deployment={}",
    "/ui/events?after={}",
    "/ui/events?cursor={cursor}",
    "/ui/events?limit={}",
    "/ui/events/new?after={}",
    "/ui/events/new?deployment={}",
    "/ui/deploy?retries={}&batch_size={}&waves={}&wave_pause={}&deadline={}",
)
HEARTBEATS = ("observed", "sequence", "status", "message", "code_version")
SETTINGS = (
    *("batch_size", "failure_threshold", "wave_pause", "min_healthy_time", "update_timeout"),
    *("deadline", "max_unavailable", "retries"),
)
BODIES = {"/deploy/plan": '{{"code_version": "1", "labels": {{}}, "configuration": {{{}: {}}}}}'}
ACTIONS = ("abort", "pause", "resume", "promote", "progress", "rollback")


@pytest.fixture(params=OPENERS)
async def app(request: pytest.FixtureRequest, tmp_path: Path, places: Any) -> AsyncIterator[App]:
    async with running_on(OPENERS[request.param](tmp_path, SystemClock())) as running:
        yield running


@pytest.fixture
def places(tmp_path: Path) -> Iterator[None]:
    with databases(tmp_path):
        yield


def filled(path: str, number: str) -> str:
    cursor = base64.urlsafe_b64encode(number.encode()).decode().rstrip("=")
    return path.replace("{cursor}", cursor).replace("{}", number)


class Wrong:
    """The requests that are answered in another way than those with numbers may be."""

    def __init__(self) -> None:
        self.found: set[str] = set()

    def look(self, response: httpx2.Response, what: str, number: str) -> None:
        if response.status_code not in (200, 404, 409, 414, 422):
            self.found.add(f"{response.status_code} {what} {number[:30]}")


async def test_in_a_path_a_query_string_or_a_header(app: App) -> None:
    own, wrong = await app.register("web-1"), Wrong()
    await app.deploy("1")
    for number in NUMBERS:
        for path in PATHS:
            credential = own if "desired" in path else OPERATOR
            wrong.look(await app.send("GET", filled(path, number), credential=credential), path, number)
        wrong.look(await app.send("GET", "/events", headers={"Last-Event-ID": number}), "Last-Event-ID", number)
    assert wrong.found == set()


async def test_on_a_page(app: App) -> None:
    browser, wrong = Browsing(app), Wrong()
    await app.register("web-1")
    await app.deploy("1")
    for number in NUMBERS:
        for path in PAGES:
            wrong.look(await browser.get(filled(path, number)), path, number)
        wrong.look(await browser.post(f"/ui/deployments/{number}/abort"), "/ui/deployments/{}/abort", number)
    assert wrong.found == set()


async def test_in_a_form(app: App) -> None:
    browser, wrong = Browsing(app), Wrong()
    await app.register("web-1")
    for number in NUMBERS:
        for field in (*SETTINGS, "waves"):
            form = {"code_version": "2", "labels": "a=b", field: number}
            for path in ("/ui/deploy/preview", "/ui/deploy/confirm"):
                wrong.look(await browser.post(path, form), f"{path} {field}", number)
    assert wrong.found == set()


async def test_in_a_body(app: App) -> None:
    own, wrong = await app.register("web-1"), Wrong()

    async def send(method: str, path: str, field: str, value: str) -> None:
        content = BODIES.get(path, "{{{}: {}}}").format(f'"{field}"', value).encode()
        credential = own if method == "PATCH" else OPERATOR
        wrong.look(await app.send(method, path, content=content, credential=credential), f"{path} {field}", value)

    for number in NUMBERS:
        for field in HEARTBEATS:
            await send("PATCH", "/inventory/instances/web-1", field, number)
        for field in (*SETTINGS, "waves"):
            for value in (number, f"[{number}]", f'"{number}"'):
                await send("POST", "/deploy/plan", field, value)
        for action in ACTIONS:
            await send("POST", f"/deploy/{action}", "deployment_id", number)
    assert wrong.found == set()
