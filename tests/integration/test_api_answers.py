"""What every answer has, and the answers to what no route was meant for."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from structlog.testing import capture_logs

from dides.store.interface import Store
from support.app import MANUAL, OPERATOR, PATIENCE, PROBLEM, REGISTRATION, App, running_app
from support.wrapped_store import AwayStore, FullStore

T = TypeVar("T")
TAKEN = b'{"instance": {"name": "web-1", "ip": "::1"}, "token": "%s"}' % REGISTRATION.encode()
ANSWERS = [
    ("GET", "/healthz", b"", 200),
    ("GET", "/readyz", b"", 200),
    ("GET", "/schema", b"", 200),
    ("GET", "/inventory/instances", b"", 200),
    ("GET", "/inventory/instances/web-1", b"", 200),
    ("OPTIONS", "/deploy", b"", 204),
    ("HEAD", "/healthz", b"", 200),
    ("POST", "/deploy", b'{"code_version": ', 400),
    ("GET", "/inventory/instances/web-1/desired", b"", 403),
    ("GET", "/nothing/here", b"", 404),
    ("GET", "/deploy", b"", 404),
    ("GET", "/inventory/instances/web-9", b"", 404),
    ("PUT", "/deploy", b"", 405),
    ("HEAD", "/deploy/pause", b"", 405),
    ("POST", "/inventory/register", TAKEN, 409),
    ("POST", "/deploy", b" " * (1024 * 1024 + 1), 413),
    ("POST", "/deploy", b"{}", 422),
    ("GET", "/deployments?limit=0", b"", 422),
    ("POST", "/deploy", b'{"code_version": "1", "labels": {}}', 201),
    ("DELETE", "/inventory/instances/web-1?force=true", b"", 204),
]


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with running_app(tmp_path) as running:
        await running.register("web-1")
        yield running


@pytest.mark.parametrize("given", ["my-request.1", ""])
async def test_every_answer_has_a_request_id_and_is_not_kept(app: App, given: str) -> None:
    headers = {"X-Request-ID": given} if given else {}
    for method, path, content, status in ANSWERS:
        credential = None if content is TAKEN else OPERATOR
        response = await app.send(method, path, content=content, headers=headers, credential=credential)
        assert response.status_code == status, (method, path, response.text)
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers.get_list("X-Request-ID") == [given or response.headers["X-Request-ID"]]
        assert len(response.headers["X-Request-ID"]) >= 12
        assert status < 400 or response.headers["Content-Type"] == PROBLEM
        if status >= 400 and method != "HEAD":
            problem = response.json()
            assert problem["status"] == status
            assert all(problem[field] for field in ("type", "title", "detail"))
            assert problem["request_id"] == response.headers["X-Request-ID"]


async def test_an_unusable_request_id_is_replaced(app: App) -> None:
    for given in ("", "a b", "x" * 129, "é", "x\ty"):
        response = await app.send("GET", "/healthz", headers={"X-Request-ID": given})
        assert response.headers["X-Request-ID"] != given
        assert len(response.headers["X-Request-ID"]) == 32


async def test_request_ids_that_are_made_differ(app: App) -> None:
    assert len({(await app.send("GET", "/healthz")).headers["X-Request-ID"] for _ in range(3)}) == 3


async def test_the_log_has_one_line_for_each_request_of_an_operator(app: App) -> None:
    credential = await app.register("quiet")
    with capture_logs() as lines:
        await app.send("GET", "/deployments?limit=1", headers={"X-Request-ID": "one"})
        await app.send("GET", "/nothing")
        await app.beat("quiet", credential)
        await app.send("PATCH", "/inventory/instances/quiet", {"status": 9}, credential=credential)
    assert [(each["method"], each["path"], each["status"]) for each in lines] == [
        ("GET", "/deployments", 200),
        ("GET", "/nothing", 404),
        ("PATCH", "/inventory/instances/quiet", 422),
    ]
    assert OPERATOR not in repr(lines)


async def test_the_log_shows_paths_as_they_were_sent(app: App) -> None:
    with capture_logs() as lines:
        await app.send("GET", "/x%1b%5b31m%0a%00%ff?token=secret")
        await app.send("GET", "/" + "y" * 10_000)
    assert [each["path"] for each in lines] == ["/x%1b%5b31m%0a%00%ff", "/" + "y" * 499]


METHODS = {
    "/deploy": "GET, HEAD, OPTIONS, POST",
    "/deploy/pause": "OPTIONS, POST",
    "/inventory/register": "OPTIONS, POST",
    "/inventory/instances": "GET, HEAD, OPTIONS",
    "/inventory/instances/web-1": "DELETE, GET, HEAD, OPTIONS, PATCH",
    "/inventory/instances/web-1/desired": "GET, HEAD, OPTIONS",
    "/deployments/1": "GET, HEAD, OPTIONS",
    "/healthz": "GET, HEAD, OPTIONS",
    "/schema": "GET, HEAD, OPTIONS",
}


async def test_a_path_says_which_methods_it_has(app: App) -> None:
    for path, methods in METHODS.items():
        options = await app.send("OPTIONS", path, credential=None)
        assert (options.status_code, options.headers["Allow"]) == (204, methods)
        for method in ("PUT", "TRACE", "PURGE"):
            refused = await app.send(method, path, credential=None)
            assert (refused.status_code, refused.headers["Allow"]) == (405, methods)
            assert method in refused.json()["detail"]


async def test_head_is_get_without_a_body(app: App) -> None:
    for path in ("/healthz", "/inventory/instances", "/inventory/instances/web-1", "/deploy", "/schema"):
        head, get = await app.send("HEAD", path), await app.send("GET", path)
        assert (head.status_code, head.content) == (get.status_code, b"")
        assert head.headers["Content-Type"] == get.headers["Content-Type"]


NOWHERE = [
    *("/inventory/instances/WEB-1", "/inventory/instances/%00", "/inventory/instances/web-1%0A"),
    *("/inventory/instances/%ff", "/inventory/instances/a%2Fb", "/inventory/instances/-", "/inventory/instances/%20"),
    *("/inventory/instances/" + "a" * 254, "/inventory/instances/" + "a" * 60_000, "/inventory/instances/.."),
    *("/deployments/0", "/deployments/-1", "/deployments/abc", "/deployments/1.0", "/deployments/1_0"),
    *("/deployments/%2B1", "/deployments/%EF%BC%91", "/deployments/99999999999999999999", "/deployments/01"),
    *("/deployments/%00/instances", "/deployments/x/events", "/deploy/advance", "/x%00y", "/deployments/1/x", "/"),
]


async def test_a_path_that_names_nothing_is_404(app: App) -> None:
    for path in NOWHERE:
        response = await app.send("GET", path)
        assert response.status_code == 404, path
        assert response.headers["Content-Type"] == PROBLEM
        assert len(response.text) < 1000, "it is not repeated at length"
    for method in ("PATCH", "DELETE"):
        assert (await app.send(method, "/inventory/instances/Web_1")).status_code == 404


async def test_headers_that_do_not_matter_do_no_harm(app: App) -> None:
    for name, value in (("Cookie", "a"), ("Cookie", "\x7f=;;=;é"), ("Accept", "text/html"), ("Content-Type", "x/y; z")):
        assert (await app.send("GET", "/inventory/instances", headers={name: value})).status_code == 200
        response = await app.send("POST", "/deploy/pause", content=b"{}", headers={name: value})
        assert response.status_code == 404, "nothing is in flight"


async def test_without_the_store_everything_but_healthz_is_503(tmp_path: Path) -> None:
    async with running_app(tmp_path, wrap=AwayStore) as app:
        credential = await app.register("web-1")
        assert isinstance(app.store, AwayStore)
        app.store.away = True
        requests: list[tuple[str, str, Any, str | None]] = [
            ("GET", "/readyz", None, None),
            ("GET", "/inventory/instances", None, OPERATOR),
            ("GET", "/inventory/instances/web-1", None, credential),
            ("PATCH", "/inventory/instances/web-1", {"status": 1}, credential),
            ("GET", "/inventory/instances/web-1/desired", None, credential),
            ("POST", "/deploy", {"code_version": "1", "labels": {}}, OPERATOR),
            ("POST", "/deploy/progress", None, OPERATOR),
            ("GET", "/events", None, OPERATOR),
        ]
        for method, path, body, who in requests:
            response = await app.send(method, path, body, credential=who)
            assert response.status_code == 503, path
            assert response.headers["Retry-After"].isdigit()
            assert response.headers["Content-Type"] == PROBLEM
        assert (await app.send("GET", "/healthz")).status_code == 200
        app.store.away = False
        await until_ready(app, 200)
        assert (await app.get("/inventory/instances/web-1"))["status"] == 0, "nothing was accepted"


async def test_a_full_disk_makes_it_unready_until_there_is_room(tmp_path: Path) -> None:
    settings = msgspec.structs.replace(MANUAL, time_to_live=0.2)
    async with running_app(tmp_path, wrap=FullStore, settings=settings) as app:
        await until_ready(app, 200)
        assert isinstance(app.store, FullStore)
        app.store.away = True
        await until_ready(app, 503)
        app.store.away = False
        await until_ready(app, 200)


async def until_ready(app: App, status: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while (await app.send("GET", "/readyz")).status_code != status:
            await asyncio.sleep(0)


class BrokenStore(AwayStore):
    """A store with a mistake in it."""

    def _unless_away(self) -> Store:
        if self.away:
            raise ZeroDivisionError("secret detail")
        return super()._unless_away()


async def test_a_mistake_of_ours_is_500_with_the_details_in_the_log_only(tmp_path: Path) -> None:
    async with running_app(tmp_path, wrap=BrokenStore) as app:
        assert isinstance(app.store, BrokenStore)
        app.store.away = True
        with capture_logs() as lines:
            response = await app.send("GET", "/deploy", headers={"X-Request-ID": "look-me-up"})
        app.store.away = False
    assert response.status_code == 500
    assert response.headers["Content-Type"] == PROBLEM
    assert response.json()["request_id"] == "look-me-up"
    assert "secret detail" not in response.text
    assert any(isinstance(each.get("exc_info"), ZeroDivisionError) for each in lines)
