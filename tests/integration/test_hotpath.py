"""Heartbeats and blocking queries are answered alike, byte for byte, in front of the framework and by its routes."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dides.api.hotpath import HotPath
from dides.api.overload import Overload
from support.app import OPERATOR, App, running_app

INSTANCES = "/inventory/instances/"
WEB, DESIRED = f"{INSTANCES}web-1", f"{INSTANCES}web-1/desired"
OWN = "own credential"


class Case(msgspec.Struct, frozen=True):
    """One request; `first` are heartbeats that come before it, `deployed` whether web-1 has been told version 2."""

    method: str = "PATCH"
    path: str = WEB
    body: bytes = b"{}"
    credential: str | None = OWN
    headers: Mapping[str, str] = {}
    first: tuple[bytes, ...] = ()
    deployed: bool = False


def beat(body: str, *first: str, **fields: Any) -> Case:
    return Case(body=body.encode(), first=tuple(each.encode() for each in first), **fields)


def query(text: str, **fields: Any) -> Case:
    return Case(method="GET", path=f"{DESIRED}{text}", body=b"", **fields)


HEALTHY = '{"code_version":"1","status":1}'
CASES = {
    "alive": beat("{}"),
    "an empty body": beat(""),
    "blanks": beat("  \n"),
    "a first report": beat(HEALTHY),
    "the same again": beat(HEALTHY, HEALTHY),
    "alive after a report": beat("{}", HEALTHY),
    "another version": beat('{"code_version":"2"}', HEALTHY),
    "no version": beat('{"code_version":null}', HEALTHY),
    "a message": beat('{"status":2,"message":"caf\\u00e9 \\"x\\""}', HEALTHY),
    "failed twice": beat('{"status":3,"message":"x"}', '{"status":3,"message":"x"}'),
    "told, and has not read it": beat(HEALTHY, HEALTHY, deployed=True),
    "told, and there": beat('{"code_version":"2","status":1,"observed":1}', HEALTHY, deployed=True),
    "observed from the future": beat('{"observed":9007199254740992}', HEALTHY),
    "observed too large": beat('{"observed":9007199254740993}'),
    "observed negative": beat('{"observed":-1}'),
    "observed as text": beat('{"observed":"1"}'),
    "a float for a status": beat('{"status":1.0}'),
    "status null": beat('{"status":null}'),
    "status unknown to us": beat('{"status":4}'),
    "status as text": beat('{"status":"1"}'),
    "status true": beat('{"status":true}'),
    "an unknown field": beat('{"statsu":1}'),
    "a field twice": beat('{"status":2,"status":1}', HEALTHY),
    "a list": beat("[]"),
    "a number": beat("1"),
    "null": beat("null"),
    "no JSON": beat('{"status":1'),
    "more than JSON": beat("{} {}"),
    "no UTF-8": Case(body=b'{"message":"\xff"}'),
    "a byte order mark": Case(body=b"\xef\xbb\xbf{}"),
    "half a surrogate": beat('{"message":"\\ud800"}'),
    "NUL in the message": beat('{"message":"a\\u0000b"}'),
    "a message too long": beat('{"message":"' + "x" * 2001 + '"}'),
    "a version too long": beat('{"code_version":"' + "x" * 129 + '"}'),
    "a version with a blank": beat('{"code_version":"1 2"}'),
    "deep": beat("[" * 5000 + "]" * 5000),
    "large": Case(body=b'{"message":"' + b"x" * 2_000_000 + b'"}'),
    "its labels": beat('{"labels":{"a":"b"}}'),
    "the operator's labels": beat('{"labels":{"a":"b"}}', credential=OPERATOR),
    "the operator's nothing": beat("{}", credential=OPERATOR),
    "the operator's report": beat(HEALTHY, credential=OPERATOR),
    "no credential": beat("{}", credential=None),
    "nobody's credential": beat("{}", credential="nobody's"),
    "another scheme": beat("{}", credential=None, headers={"Authorization": "Basic eDp5"}),
    "a bare credential": beat("{}", credential=None, headers={"Authorization": "Bearer"}),
    "a blank credential": beat("{}", credential=None, headers={"Authorization": "Bearer  "}),
    "nobody's instance": Case(path="/inventory/instances/nobody"),
    "the operator's nobody": Case(path="/inventory/instances/nobody", credential=OPERATOR),
    "another instance": Case(path="/inventory/instances/other"),
    "no name": Case(path="/inventory/instances/"),
    "no hostname": Case(path="/inventory/instances/WEB-1"),
    "an escaped name": Case(path="/inventory/instances/web%2D1"),
    "a slash behind": Case(path=f"{WEB}/"),
    "a parameter": Case(path=f"{WEB}?force=true"),
    "a lone question mark": Case(path=f"{WEB}?"),
    "another method": Case(method="PUT"),
    "HEAD": Case(method="HEAD", path=f"{DESIRED}?generation=0&wait=0", body=b""),
    "OPTIONS": Case(method="OPTIONS", body=b""),
    "a request id of ours": beat("{}", headers={"X-Request-ID": "abc-123"}),
    "a content type that is none": beat("{}", headers={"Content-Type": "text/plain"}),
    "asks": query("?generation=0&wait=0"),
    "asks what is known": query("?generation=0&wait=0.01"),
    "asks what is news": query("?generation=0&wait=60", deployed=True),
    "asks without waiting": query("?wait=0"),
    "asks the other way round": query("?wait=0&generation=0"),
    "asks with decimals": query("?generation=0&wait=0.000001"),
    "asks as an agent does": query("?generation=0&wait=0.45899306425086123"),
    "asks with too many decimals": query("?generation=0&wait=0.000000000000000001"),
    "asks too long": query("?generation=0&wait=61"),
    "asks a bit too long": query("?generation=0&wait=60.5"),
    "asks less than nothing": query("?generation=0&wait=-1"),
    "asks below nought": query("?generation=-1&wait=0"),
    "asks above all": query("?generation=9007199254740993&wait=0"),
    "asks twice": query("?generation=0&generation=0&wait=0"),
    "asks more": query("?generation=0&wait=0&x=1"),
    "asks for words": query("?generation=a&wait=b"),
    "asks with a sign": query("?generation=%2B1&wait=0"),
    "asks with other digits": query("?generation=%D9%A1&wait=0"),
    "asks as an operator": query("?generation=0&wait=0", credential=OPERATOR),
    "asks as nobody": query("?generation=0&wait=0", credential="x"),
    "asks for nobody": Case(method="GET", path="/inventory/instances/nobody/desired?generation=0&wait=0", body=b""),
}


async def ask(app: App, case: Case, web: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Return an answer to the instance `web`, which stands for web-1 in a fleet of its own."""
    own = await app.register(web, case=web)
    await app.register(f"other-than-{web}", case="other")
    for body in case.first:
        assert (await app.send("PATCH", f"{INSTANCES}{web}", content=body, credential=own)).status_code == 200
    if case.deployed:
        await app.deploy("2", labels={"case": web})
        assert (await app.send("POST", "/deploy/abort")).status_code == 200
        await app.deploy("2", labels={"case": web})
    headers = {"X-Request-ID": "the-same-for-both", **case.headers}
    credential = own if case.credential == OWN else case.credential
    path = case.path.replace("web-1", web).replace("other", f"other-than-{web}")
    answer = await app.send(case.method, path, content=case.body, credential=credential, headers=headers)
    if case.deployed:
        await app.send("POST", "/deploy/abort")
    return answer.status_code, answer.headers.raw, answer.content


async def test_both_answer_alike(tmp_path: Path) -> None:
    answers: list[dict[str, object]] = []
    for hot in (True, False):
        async with running_app(tmp_path / str(hot)) as app:
            assert isinstance(app.asgi, HotPath)
            served = app if hot else App(app.asgi.app, app.coordinator, app.store)
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
        hot = app.asgi
        assert isinstance(hot, HotPath)
        own = await app.register("web-1")
        routes = hot.app

        async def note(scope: Any, receive: Any, send: Any) -> None:
            passed_on.append(scope["path"])
            await routes(scope, receive, send)

        hot.app = note
        for body in (b"", b"{}", HEALTHY.encode(), HEALTHY.encode(), b'{"status":2,"message":"x","observed":0}'):
            assert (await app.send("PATCH", WEB, content=body, credential=own)).status_code == 200
        assert (await app.send("GET", f"{DESIRED}?generation=0&wait=0", credential=own)).status_code == 200
    assert passed_on == []


async def test_what_is_shed_is_refused_as_the_routes_refuse_a_full_queue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dides.coordinator.heartbeats.MOST_WAITING", 0)
    answers = []
    async with running_app(tmp_path) as app:
        hot = app.asgi
        assert isinstance(hot, HotPath)
        own = await app.register("web-1")
        for served in (app, App(hot.app, app.coordinator, app.store)):
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


@pytest.mark.parametrize("hot", [True, False])
async def test_a_body_that_comes_late_is_held_against_what_is_known_then(tmp_path: Path, *, hot: bool) -> None:
    async with running_app(tmp_path) as app:
        assert isinstance(app.asgi, HotPath)
        own = await app.register("web-1")
        await app.beat("web-1", own, code_version="1", status=1)
        late = Slow(own, HEALTHY.encode())
        answering = asyncio.ensure_future((app.asgi if hot else app.asgi.app)(late.scope, late.receive, late.send))
        await app.beat("web-1", own, status=3, message="broken")
        late.go.set()
        await answering
        assert late.status == 200
        assert (await app.get(WEB))["status"] == 1, "the newest report wins"


@pytest.mark.parametrize("hot", [True, False])
async def test_a_credential_that_was_replaced_before_the_body_came_is_refused(tmp_path: Path, *, hot: bool) -> None:
    async with running_app(tmp_path) as app:
        assert isinstance(app.asgi, HotPath)
        own = await app.register("web-1")
        late = Slow(own, b'{"status":3,"message":"from the earlier one"}')
        answering = asyncio.ensure_future((app.asgi if hot else app.asgi.app)(late.scope, late.receive, late.send))
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
