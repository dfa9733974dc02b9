"""How much of a body is read, and of whom; and what is looked at first."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from dides.api.limits.request_limits import BODY_BYTES, LOGIN_BYTES, REGISTRATION_BYTES
from support.app import OPERATOR, REGISTRATION, App, running_app
from support.hostile import bodies, registrations

pytestmark = pytest.mark.asyncio(loop_scope="module")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
REGISTER = "/inventory/register"
HEALTHY = b'{"code_version": "1", "status": 1}'
PROTECTED = [
    ("POST", "/deploy"),
    ("POST", "/deploy/plan"),
    ("POST", "/deploy/abort"),
    ("POST", "/deploy/rollback"),
    ("PATCH", "/inventory/instances/web-1"),
    ("PATCH", "/inventory/instances/nobody"),
    ("DELETE", "/inventory/instances/web-1"),
    ("POST", "/ui/deploy"),
    ("POST", "/ui/deploy/preview"),
    ("POST", "/ui/logout"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    async with running_app(tmp_path_factory.mktemp("app")) as running:
        await running.register("web-1")
        yield running


def padded(body: bytes, size: int) -> bytes:
    return body + b" " * (size - len(body))


def registration(**more: object) -> bytes:
    return json.dumps({"instance": {"name": "new", "ip": "192.0.2.1"}, "token": REGISTRATION, **more}).encode()


async def test_a_registration_has_64_kib(app: App) -> None:
    body = padded(registration(), REGISTRATION_BYTES)
    assert (await app.send("POST", REGISTER, content=body, credential=None)).status_code == 201
    over = await app.send("POST", REGISTER, content=body + b" ", credential=None)
    assert over.status_code == 413
    assert over.json()["detail"] == "At most 65,536 bytes are accepted here."


async def test_a_sign_in_has_8_kib(app: App) -> None:
    form = f"token={OPERATOR}&next=".encode()
    form += b"x" * (LOGIN_BYTES - len(form))
    assert (await app.send("POST", "/ui/login", content=form, credential=None, headers=FORM)).status_code == 303
    over = await app.send("POST", "/ui/login", content=form + b"x", credential=None, headers=FORM)
    assert over.status_code == 413
    assert "More was sent than is accepted here." in over.text


@pytest.mark.parametrize("own", [False, True], ids=["an operator", "an instance"])
async def test_who_shows_a_credential_has_a_mebibyte(app: App, own: bool) -> None:
    method, path = ("PATCH", "/inventory/instances/web-2") if own else ("POST", "/deploy/plan")
    credential = await app.register("web-2") if own else OPERATOR
    body = padded(HEALTHY if own else b'{"code_version": "1", "labels": {}}', BODY_BYTES)
    assert (await app.send(method, path, content=body, credential=credential)).status_code == 200
    over = await app.send(method, path, content=body + b" ", credential=credential)
    assert over.status_code == 413
    assert over.json()["detail"] == "At most 1,048,576 bytes are accepted here."


@pytest.mark.parametrize("credential", [None, "nobody's"])
@pytest.mark.parametrize(("method", "path"), PROTECTED)
async def test_who_shows_none_is_refused_before_a_body_is_read(
    app: App, method: str, path: str, credential: str | None
) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        raise AssertionError("the body was read")

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"content-length", b"1000"), (b"accept", b"text/html")]
    if credential:
        headers.append((b"authorization", f"Bearer {credential}".encode()))
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": headers,
        "client": None,
        "server": None,
    }
    await app.asgi(scope, receive, send)
    assert sent[0]["status"] == (303 if path.startswith("/ui/") else 401)


WRONG = {
    **registrations(1000, "another token"),
    "an empty one": registration(token=""),
    "a long one": registration(token="x" * 1025),
    "nothing else": b'{"token": "x"}',
    "more": b'{"token": "x", "a": {}}',
}


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG)
async def test_the_token_of_a_registration_is_looked_at_first(app: App, body: bytes) -> None:
    response = await app.send("POST", REGISTER, content=body, credential=None)
    assert response.status_code == 401, response.text
    assert response.headers["WWW-Authenticate"]


@pytest.mark.parametrize("body", [b"{}", b"", b'{"instance": {"name": "A", "ip": 1}}', b'{"identity": "x", "a": 1}'])
async def test_where_there_is_none_that_is_all_that_is_said(app: App, body: bytes) -> None:
    response = await app.send("POST", REGISTER, content=body, credential=None)
    assert response.status_code == 422
    assert response.json()["errors"] == [
        {"field": "token", "message": "is needed, or the instance's own credential in Authorization"}
    ]


async def test_a_credential_that_nobody_has_is_no_token(app: App) -> None:
    body = json.dumps({"instance": {"name": "A"}}).encode()
    assert (await app.send("POST", REGISTER, content=body, credential="nobody's")).status_code == 401
    own = await app.register("web-3")
    assert (await app.send("POST", REGISTER, content=body, credential=own)).status_code == 422


@pytest.mark.parametrize("name", ["garbage", "depth of objects", "a long number that breaks off", "what is no UTF-8"])
async def test_what_is_no_json_has_no_token(app: App, name: str) -> None:
    response = await app.send("POST", REGISTER, content=bodies(1000)[name], credential=None)
    assert response.status_code == 400, response.text
    assert "line 1" in response.json()["detail"]


async def test_of_two_tokens_none_counts(app: App) -> None:
    again = registration()[:-1] + b', "token": "x"}'
    assert (await app.send("POST", REGISTER, content=again, credential=None)).status_code == 401
    again = registration().replace(b'"token"', b'"token": "x", "token"')
    assert (await app.send("POST", REGISTER, content=again, credential=None)).status_code == 422
