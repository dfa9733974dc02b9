"""Heartbeats and blocking queries are answered alike, byte for byte, in front of the framework and by its routes."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from dides.api.fastpath.asgi import FastPath
from dides.api.fastpath.load_shedding import Overload
from support.app import App, running_app
from support.hot_cases import CASES, DESIRED, HEALTHY, WEB, Case, prepared


async def ask(app: App, case: Case, web: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    asked = await prepared(app, case, web)
    answer = await app.send(
        case.method, asked.path, content=case.body, credential=asked.credential, headers=asked.headers
    )
    if case.deployed:
        await app.send("POST", "/deploy/abort")
    return answer.status_code, answer.headers.raw, answer.content


async def test_both_answer_alike(tmp_path: Path) -> None:
    answers: list[dict[str, object]] = []
    for fast in (True, False):
        async with running_app(tmp_path / str(fast)) as app:
            assert isinstance(app.asgi, FastPath)
            served = app if fast else App(app.asgi.app, app.coordinator, app.store)
            given: dict[str, object] = {}
            for number, (name, case) in enumerate(CASES.items(), start=100):
                given[name] = await ask(served, case, f"web-{number}")
            answers.append({**given, "what is stored": await app.stored_without_times()})
    assert {name: each for name, each in answers[0].items() if each != answers[1][name]} == {}
    statuses = {each[0] for each in answers[0].values() if isinstance(each, tuple)}
    assert statuses >= {200, 400, 401, 403, 404, 405, 413, 422}, "or the table has become poor"


async def test_most_of_the_plain_cases_never_come_to_the_routes(tmp_path: Path) -> None:
    """Or the comparison above would compare the routes with themselves."""
    passed_on = []

    async with running_app(tmp_path) as app, AsyncExitStack():
        fast = app.asgi
        assert isinstance(fast, FastPath)
        own = await app.register("web-1")
        routes = fast.app

        async def note(scope: Any, receive: Any, send: Any) -> None:
            passed_on.append(scope["path"])
            await routes(scope, receive, send)

        fast.app = note
        for body in (b"", b"{}", HEALTHY.encode(), HEALTHY.encode(), b'{"status":2,"message":"x","observed":0}'):
            assert (await app.send("PATCH", WEB, content=body, credential=own)).status_code == 200
        assert (await app.send("GET", f"{DESIRED}?generation=0&wait=0", credential=own)).status_code == 200
    assert passed_on == []


async def test_what_is_shed_is_refused_as_the_routes_refuse_a_full_queue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dides.coordinator.loops.heartbeat_queue.MOST_WAITING", 0)
    answers = []
    async with running_app(tmp_path) as app:
        fast = app.asgi
        assert isinstance(fast, FastPath)
        own = await app.register("web-1")
        for served in (app, App(fast.app, app.coordinator, app.store)):
            headers = {"X-Request-ID": "the-same-for-both"}
            answer = await served.send("PATCH", WEB, content=HEALTHY.encode(), credential=own, headers=headers)
            answers.append((answer.status_code, answer.headers.raw, answer.content))
    assert answers[0] == answers[1]
    assert answers[0][0] == 429
    assert dict(answers[0][1])[b"retry-after"] == b"1"


async def test_instances_that_are_awaited_are_served_while_others_are_refused(tmp_path: Path) -> None:
    overload = Overload(most=0)
    async with running_app(tmp_path, overload=overload) as app:
        idle, told = await app.register("web-1", env="idle"), await app.register("web-2", env="told")
        await app.deploy("2", labels={"env": "told"})
        overload.shedding = True
        answers = {
            name: (await app.send("PATCH", f"/inventory/instances/{name}", {"status": 1}, credential=own)).status_code
            for name, own in (("web-1", idle), ("web-2", told))
        }
        operators = (await app.send("GET", "/deploy")).status_code
    assert (answers, operators) == ({"web-1": 429, "web-2": 200}, 200)
    assert overload.shed == 1


class Slow:
    """A request whose body waits until the test lets it go."""

    def __init__(self, credential: str, body: bytes) -> None:
        self.go = asyncio.Event()
        self.status = 0
        self.body = body
        headers = [(b"authorization", f"Bearer {credential}".encode()), (b"host", b"localhost")]
        self.scope: Any = {
            "type": "http",
            "method": "PATCH",
            "path": WEB,
            "raw_path": WEB.encode(),
            "query_string": b"",
            "headers": headers,
            "http_version": "1.1",
            "scheme": "http",
            "root_path": "",
            "server": ("localhost", 80),
            "client": ("localhost", 1),
            "state": {},
        }

    async def receive(self) -> Any:
        await self.go.wait()
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def send(self, message: Any) -> None:
        self.status = message.get("status", self.status)


@pytest.mark.parametrize("fast", [True, False])
async def test_a_body_that_comes_late_is_held_against_what_is_known_then(tmp_path: Path, *, fast: bool) -> None:
    async with running_app(tmp_path) as app:
        assert isinstance(app.asgi, FastPath)
        own = await app.register("web-1")
        await app.beat("web-1", own, code_version="1", status=1)
        late = Slow(own, HEALTHY.encode())
        answering = asyncio.ensure_future((app.asgi if fast else app.asgi.app)(late.scope, late.receive, late.send))
        await app.beat("web-1", own, status=3, message="broken")
        late.go.set()
        await answering
        assert late.status == 200
        assert (await app.get(WEB))["status"] == 1, "the newest report wins"


@pytest.mark.parametrize("fast", [True, False])
async def test_a_credential_that_was_replaced_before_the_body_came_is_refused(tmp_path: Path, *, fast: bool) -> None:
    async with running_app(tmp_path) as app:
        assert isinstance(app.asgi, FastPath)
        own = await app.register("web-1")
        late = Slow(own, b'{"status":3,"message":"from the earlier one"}')
        answering = asyncio.ensure_future((app.asgi if fast else app.asgi.app)(late.scope, late.receive, late.send))
        await asyncio.sleep(0)
        assert (await app.send("DELETE", WEB)).status_code == 204
        await app.register("web-1")
        late.go.set()
        await answering
        assert late.status == 410
        assert (await app.get(WEB))["message"] == ""


async def test_a_held_query_ends_with_its_credential(tmp_path: Path) -> None:
    async with running_app(tmp_path) as app:
        own = await app.register("web-1")
        held = asyncio.create_task(app.send("GET", f"{DESIRED}?generation=0&wait=30", credential=own))
        await app.until_held("web-1")
        assert (await app.send("DELETE", WEB)).status_code == 204
        await app.register("web-1")
        assert (await held).status_code == 410


async def test_one_that_goes_away_in_the_middle_is_no_mistake_of_ours(tmp_path: Path) -> None:
    async with running_app(tmp_path) as app:
        request = Slow(await app.register("web-1"), b"")

        async def gone() -> Any:
            return {"type": "http.disconnect"}

        await app.asgi(request.scope, gone, request.send)
        assert request.status == 0
