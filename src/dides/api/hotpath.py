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
from typing import Any

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPRequestEvent, HTTPScope, Receive, ReceiveMessage, Scope, Send
from msgspec import UNSET

from dides.api.overload import Overload
from dides.api.problems import MEDIA_TYPE, described
from dides.api.traffic import Traffic
from dides.api.views import directive_view
from dides.coordinator.coordinator import Coordinator
from dides.coordinator.queries import Query
from dides.model.errors import BusyError, RefusedError, UnavailableError
from dides.model.instance import Brief
from dides.protocol.messages import Heartbeat
from dides.protocol.queries import LONGEST_WAIT

Answer = tuple[Any, Any]
"""The two messages of an answer: how it starts, and its body."""
PREFIX = "/inventory/instances/"
DESIRED = "/desired"
LARGEST_PLAIN_BODY = 16 * 1024
_QUERY = re.compile(rb"generation=(?P<generation>\d{1,15})&wait=(?P<wait>\d{1,2}(?:\.\d{1,17})?)\Z")
_REQUEST_ID = re.compile(rb"[!-~]{1,128}\Z")
_decode = msgspec.json.Decoder(Heartbeat).decode
_BEARER = (b"Bearer ", b"bearer ")
_JSON, _PROBLEM = (b"content-type", b"application/json"), (b"content-type", MEDIA_TYPE.encode())
_NO_STORE = (b"cache-control", b"no-store")
_encode = msgspec.json.Encoder().encode


class Asked(msgspec.Struct, frozen=True, gc=False):
    """A blocking query that has shown the credential of its instance."""

    query: Query
    asker: Brief
    request_id: bytes


class HotPath:
    """An ASGI application in front of another one."""

    def __init__(self, app: ASGIApp, coordinator: Coordinator, overload: Overload, traffic: Traffic) -> None:
        self.app = app
        self.queries = coordinator.queries
        self._coordinator = coordinator
        self._overload = overload
        self._traffic = traffic
        self._known = coordinator.view.get
        self._hear = coordinator.heartbeats.hear
        self._now = coordinator.now
        self._interval_for = coordinator.watch.pacemaker.interval_for
        self._is_current = coordinator.is_current
        # Unique like a UUID, and much cheaper: 64 random bits of this process, and a number.
        self._process = secrets.token_hex(8).encode()
        self._numbers = itertools.count(secrets.randbits(32))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a plain heartbeat or blocking query; hand anything else on."""
        if scope["type"] == ScopeType.HTTP and scope["path"].startswith(PREFIX):
            if scope["method"] == "PATCH":
                await self._heartbeat(scope["path"][len(PREFIX) :], scope, receive, send)
                return
            if scope["method"] == "GET" and scope["path"].endswith(DESIRED):
                await self._desired(scope["path"][len(PREFIX) : -len(DESIRED)], scope, receive, send)
                return
        await self.app(scope, receive, send)

    async def _heartbeat(self, name: str, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Take a heartbeat. What each one needs is written out here: a call would cost as much as what it calls.

        The body is read first: who sends it, and what is known, is looked at together, and nothing comes in between.
        """
        message = await receive()
        if message.get("more_body"):
            message = await _whole(message, receive)
        if message["type"] != "http.request":
            return  # The sender has gone away.
        brief = self._known(name)
        request_id = self._check(brief, scope["headers"])
        heartbeat = _plain(message)
        if brief is None or request_id is None or heartbeat is None or scope["query_string"] or not self._is_current():
            await self.app(scope, _again(message, receive), send)
            return
        if self._overload.shedding and self._overload.sheds(brief):
            self._traffic.heartbeats_shed += 1
            await _send(send, _refusal(BusyError(), request_id))
            return
        if not self._hear(brief, heartbeat, self._now()):
            try:
                brief = await self._coordinator.take(brief, heartbeat)
            except (BusyError, UnavailableError) as error:
                self._traffic.heartbeats_busy += isinstance(error, BusyError)
                self._traffic.heartbeats_unavailable += isinstance(error, UnavailableError)
                await _send(send, _refusal(error, request_id))
                return
            except RefusedError:
                # It was decommissioned meanwhile, and nothing was stored: the route has the words for that.
                await self.app(scope, _again(message, receive), send)
                return
        self._traffic.heartbeats += 1
        start, end = self._answer(brief, request_id)
        await send(start)
        await send(end)

    async def _desired(self, name: str, scope: HTTPScope, receive: Receive, send: Send) -> None:
        asked = self.query_of(name, scope["query_string"], scope["headers"])
        if asked is None:
            await self.app(scope, receive, send)
            return
        answer = self.query_refusal(asked)
        if answer is None:
            try:
                answer = self._told(await self.queries.answered(asked.query), asked)
            except RefusedError:
                await self.app(scope, receive, send)
                return
        await _send(send, answer)

    def query_of(self, name: str, text: bytes, headers: Iterable[tuple[bytes, bytes]]) -> Asked | None:
        """Return the blocking query in a request with this query string; None if it is for the routes to look at.

        The names of `headers` are in lower case.
        """
        brief = self._known(name)
        request_id = self._check(brief, headers)
        asked = _QUERY.match(text)
        if brief is None or request_id is None or asked is None or float(asked["wait"]) > LONGEST_WAIT:
            return None
        query = self.queries.query(name, int(asked["generation"]), float(asked["wait"]), brief)
        return Asked(query, brief, request_id)

    def query_refusal(self, asked: Asked) -> Answer | None:
        """Return the refusal of a query that has just come; None if it is to be taken."""
        if not self._overload.shedding or not self._overload.sheds(asked.asker):
            return None
        self._traffic.queries_shed += 1
        return _refusal(BusyError(), asked.request_id)

    def query_answer(self, asked: Asked) -> Answer | None:
        """Return the answer to a query; None while it is to be held. RefusedError: the routes have the words for it."""
        brief = self.queries.answer(asked.query)
        return None if brief is None else self._told(brief, asked)

    def _told(self, brief: Brief, asked: Asked) -> Answer:
        self._traffic.queries += 1
        return self._answer(brief, asked.request_id)

    def refusal_for(self, name: str) -> Answer | None:
        """Return the refusal of a heartbeat of this name; None if it is to be taken, or looked at more closely."""
        brief = self._known(name)
        if brief is None or not self._overload.sheds(brief):
            return None
        self._traffic.heartbeats_shed += 1
        return _refusal(BusyError(), self._new_id())

    def _new_id(self) -> bytes:
        return b"%s%016x" % (self._process, next(self._numbers))

    def _check(self, brief: Brief | None, headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
        """Return the id of a request, None unless it has shown the credential of that instance."""
        token, request_id = b"", b""
        for key, value in headers:
            if key == b"authorization":
                token = value
            elif key == b"x-request-id" and _REQUEST_ID.match(value):
                request_id = value
        if brief is None or token[:7] not in _BEARER:
            return None
        if not compare_digest(sha256(token[7:]).digest(), brief.credential_hash):
            return None
        return request_id or self._new_id()

    def _answer(self, brief: Brief, request_id: bytes) -> Answer:
        return _answer(200, _JSON, _encode(directive_view(brief, self._interval_for(brief))), request_id)


def _refusal(error: RefusedError, request_id: bytes) -> Answer:
    problem, headers = described(error)
    problem.request_id = request_id.decode()
    start, end = _answer(problem.status, _PROBLEM, msgspec.json.encode(problem), request_id)
    start["headers"] = [
        *((name.lower().encode(), value.encode()) for name, value in headers.items()),
        *start["headers"],
    ]
    return start, end


def _answer(status: int, media_type: tuple[bytes, bytes], body: bytes, request_id: bytes) -> Answer:
    headers = [media_type, (b"content-length", b"%d" % len(body)), (b"x-request-id", request_id), _NO_STORE]
    return (
        {"type": "http.response.start", "status": status, "headers": headers},
        {"type": "http.response.body", "body": body, "more_body": False},
    )


async def _send(send: Send, answer: Answer) -> None:
    for message in answer:
        await send(message)


async def _whole(message: ReceiveMessage, receive: Receive) -> ReceiveMessage:
    """Return a body that has only begun as if it had come in one piece, if it is not larger than a plain one."""
    while message["type"] == "http.request" and message.get("more_body") and len(_body(message)) <= LARGEST_PLAIN_BODY:
        more = await receive()
        if more["type"] != "http.request":
            return more
        body = _body(message) + _body(more)
        message = {"type": "http.request", "body": body, "more_body": more.get("more_body", False)}
    return message


def _body(message: HTTPRequestEvent) -> bytes:
    """Return the body in a message, which may leave it out, as all but its type (ASGI)."""
    return message.get("body", b"")


def _plain(message: ReceiveMessage) -> Heartbeat | None:
    """Return the heartbeat in a body that is complete and as an instance sends it; None otherwise."""
    if message["type"] != "http.request" or message.get("more_body"):
        return None
    try:
        heartbeat = _decode(_body(message) or b"{}")
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
