"""The two requests that a fleet makes all day, answered in front of the framework: heartbeats and blocking queries.

What is answered here is the plain case: an instance with its own credential and a valid request. Everything else is
handed on, with the body that was read, to the routes in dides.api.inventory, which would also answer the plain case
byte for byte as it is answered here (tests/integration/test_hotpath.py holds the two together).
"""

import itertools
import re
import secrets
from collections.abc import Iterable
from hashlib import sha256
from hmac import compare_digest

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, ReceiveMessage, Scope, Send
from msgspec import UNSET

from dides.api.overload import Overload
from dides.api.problems import MEDIA_TYPE, busy_problem
from dides.api.traffic import Traffic
from dides.api.views import directive_view
from dides.coordinator.coordinator import Coordinator
from dides.model.errors import BusyError, RefusedError
from dides.model.instance import Brief
from dides.protocol.messages import Heartbeat
from dides.protocol.queries import LONGEST_WAIT

Headers = list[tuple[bytes, bytes]]
PREFIX = "/inventory/instances/"
DESIRED = "/desired"
LARGEST_PLAIN_BODY = 16 * 1024
_QUERY = re.compile(rb"generation=(?P<generation>\d{1,15})&wait=(?P<wait>\d{1,2}(?:\.\d{1,6})?)\Z")
_REQUEST_ID = re.compile(rb"[!-~]{1,128}\Z")
_decode = msgspec.json.Decoder(Heartbeat).decode
_encode = msgspec.json.Encoder().encode


class HotPath:
    """An ASGI application in front of another one."""

    def __init__(self, app: ASGIApp, coordinator: Coordinator, overload: Overload, traffic: Traffic) -> None:
        self.app = app
        self._coordinator = coordinator
        self._view = coordinator.view
        self._overload = overload
        self._traffic = traffic
        # Unique like a UUID, and much cheaper: 64 random bits of this process, and a number.
        self._process = secrets.token_hex(8)
        self._numbers = itertools.count(secrets.randbits(32))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a plain heartbeat or blocking query; hand anything else on."""
        if scope["type"] == ScopeType.HTTP:
            path, method = scope["path"], scope["method"]
            if path.startswith(PREFIX):
                if method == "PATCH":
                    await self._heartbeat(path[len(PREFIX) :], scope, receive, send)
                    return
                if method == "GET" and path.endswith(DESIRED):
                    await self._desired(path[len(PREFIX) : -len(DESIRED)], scope, receive, send)
                    return
        await self.app(scope, receive, send)

    async def _heartbeat(self, name: str, scope: HTTPScope, receive: Receive, send: Send) -> None:
        brief, request_id = self._sender(name, scope["headers"])
        if brief is None or scope["query_string"]:
            await self.app(scope, receive, send)
            return
        if self._overload.sheds(brief):
            self._traffic.heartbeats_shed += 1
            await self._refuse(send, request_id)
            return
        read = await _read(receive)
        heartbeat = _plain(read)
        if heartbeat is not None:
            try:
                if not self._coordinator.hear(brief, heartbeat):
                    brief = await self._coordinator.take(name, heartbeat)
            except BusyError:
                self._traffic.heartbeats_busy += 1
                await self._refuse(send, request_id)
                return
            except RefusedError:
                heartbeat = None  # Nothing was stored: the route finds the same refusal, and has the words for it.
        if heartbeat is None:
            await self.app(scope, _again(read, receive), send)
            return
        self._traffic.heartbeats += 1
        await self._answer(brief, send, request_id)

    async def _desired(self, name: str, scope: HTTPScope, receive: Receive, send: Send) -> None:
        brief, request_id = self._sender(name, scope["headers"])
        asked = _QUERY.match(scope["query_string"])
        if brief is None or asked is None or float(asked["wait"]) > LONGEST_WAIT:
            await self.app(scope, receive, send)
            return
        if self._overload.sheds(brief):
            self._traffic.queries_shed += 1
            await self._refuse(send, request_id)
            return
        try:
            brief = await self._coordinator.wait_for_change(name, int(asked["generation"]), float(asked["wait"]))
        except RefusedError:
            await self.app(scope, receive, send)
            return
        self._traffic.queries += 1
        await self._answer(brief, send, request_id)

    def _sender(self, name: str, headers: Iterable[tuple[bytes, bytes]]) -> tuple[Brief | None, bytes]:
        """Return the instance that a request is from, if it has shown its credential, and the request's id."""
        token, request_id = b"", b""
        for key, value in headers:
            if key == b"authorization":
                token = value
            elif key == b"x-request-id" and _REQUEST_ID.match(value):
                request_id = value
        request_id = request_id or f"{self._process}{next(self._numbers):016x}".encode()
        brief = self._view.get(name)
        if brief is None or token[:7] not in (b"Bearer ", b"bearer "):
            return None, request_id
        return (brief if compare_digest(sha256(token[7:]).digest(), brief.credential_hash) else None), request_id

    async def _answer(self, brief: Brief, send: Send, request_id: bytes) -> None:
        body = _encode(directive_view(brief, self._coordinator.interval_for(brief)))
        await _send(send, 200, b"application/json", body, request_id)

    async def _refuse(self, send: Send, request_id: bytes) -> None:
        body, retry_after = busy_problem(request_id.decode())
        await _send(send, 429, MEDIA_TYPE.encode(), body, request_id, [(b"retry-after", retry_after.encode())])


async def _send(
    send: Send, status: int, media_type: bytes, body: bytes, request_id: bytes, more: Headers | None = None
) -> None:
    headers = [
        *(more or ()),
        (b"content-type", media_type),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", request_id),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _read(receive: Receive) -> ReceiveMessage:
    """Return a body as if it had come in one piece, if it is not larger than a plain one."""
    message = await receive()
    while message["type"] == "http.request" and message["more_body"] and len(message["body"]) <= LARGEST_PLAIN_BODY:
        more = await receive()
        if more["type"] != "http.request":
            return more
        body = message["body"] + more["body"]
        message = {"type": "http.request", "body": body, "more_body": more["more_body"]}
    return message


def _plain(message: ReceiveMessage) -> Heartbeat | None:
    """Return the heartbeat in a body that is complete and as an instance sends it; None otherwise."""
    if message["type"] != "http.request" or message["more_body"]:
        return None
    try:
        heartbeat = _decode(message["body"] or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return heartbeat if heartbeat.labels is UNSET else None


def _again(read: ReceiveMessage, receive: Receive) -> Receive:
    """Return a `receive` that gives what was read once more, and then what follows it."""
    given = False

    async def again() -> ReceiveMessage:
        nonlocal given
        if given:
            return await receive()
        given = True
        return read

    return again
