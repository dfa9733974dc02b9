"""What happens to every request around the routes, in this order; on the way back its answer passes them in reverse.

1. Prefix. A base path is taken off the path; an address in the answer's headers gets it back.
2. Identity. A request keeps its X-Request-ID when that is 1 to 128 visible characters, and else gets a new one. It
   stands on the answer, which no cache keeps, and in every log line. A request of an operator leaves one such line.
3. HEAD and OPTIONS. The routes see GET for HEAD, whose body is then left out; OPTIONS names the methods of its path.
4. Count. The answer is counted and timed by method, path template and status.
5. Standstill. A request that began to come before this process stood still is refused (503). The routes meet
   StoodStillError when the rest of its body comes after one.
6. Disconnect. The routes meet SenderGoneError when the sender leaves before its body is whole; their answer is dropped.

Litestar's own middleware would not do: it does not see what no route answers.
"""

import time
import uuid
from collections.abc import Collection, Mapping
from typing import cast

import msgspec
import structlog
from litestar import Response
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import (
    ASGIApp,
    HTTPResponseStartEvent,
    HTTPScope,
    Message,
    Receive,
    ReceiveMessage,
    Scope,
    Send,
)

from dides.api.access import Connection, Role
from dides.api.base_path import is_local, without
from dides.api.connections.late_requests import is_late
from dides.api.problems import MEDIA_TYPE, Handled, allow, described
from dides.api.request_headers import is_request_id
from dides.api.traffic import Traffic
from dides.coordinator.loops.standstill import Standstill
from dides.model.errors import StoodStillError

log = structlog.get_logger()
LONGEST_LOGGED = 500
REQUEST_ID = "X-Request-ID"
ADDRESSES = ("Location", "HX-Redirect")
"""Headers of answers that hold an address."""
_HEAD = "head"


class SenderGoneError(Exception):
    """The sender of a request has gone away before its body was whole. Nobody is left to answer; it is no mistake."""


class Middleware(msgspec.Struct, frozen=True):
    """An ASGI application around the routes, which have to handle SenderGoneError and StoodStillError."""

    routes: ASGIApp
    methods: Mapping[str, Collection[str]]
    """The methods by path template, as the routes note it in the scope."""
    traffic: Traffic
    standstill: Standstill
    base_path: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; what is not HTTP goes to the routes as it is."""
        if scope["type"] != ScopeType.HTTP:
            await self.routes(scope, receive, send)
            return
        if self.base_path:
            scope["path"] = without(self.base_path, scope["path"])
        exchange = _Exchange(self, scope, receive, send)
        with structlog.contextvars.bound_contextvars(request_id=exchange.request_id):
            if is_late(scope, self.standstill):
                await exchange.refuse_late()
            else:
                await self.routes(exchange.asked, exchange.receive, exchange.send)


def is_head(connection: Connection) -> bool:
    """Tell whether only the head of an answer will be sent: to answer a HEAD without an end would never end."""
    return bool(connection.scope["state"].get(_HEAD))


def torn(_request: Handled, _error: SenderGoneError) -> Response[bytes]:
    """Answer what nobody reads."""
    return Response(b"", status_code=400)


class _Exchange:
    """One request and its answer."""

    __slots__ = ("_around", "_begun", "_receive", "_scope", "_send", "_torn", "_whole", "asked", "request_id")

    def __init__(self, around: Middleware, scope: HTTPScope, receive: Receive, send: Send) -> None:
        self._around, self._scope, self._receive, self._send = around, scope, receive, send
        self._begun = time.perf_counter()
        self._torn = self._whole = False
        given = dict(scope["headers"]).get(REQUEST_ID.lower().encode(), b"")
        self.request_id = given.decode() if is_request_id(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = self.request_id
        self.asked = scope
        """What the routes see."""
        if scope["method"] == "HEAD":
            scope["state"][_HEAD] = True
            # A copy: the server must go on seeing what it was asked, or it would send a body.
            self.asked = cast("HTTPScope", {**scope, "method": "GET"})

    async def receive(self) -> ReceiveMessage:
        """Return the next part of the body. Raises StoodStillError, and SenderGoneError when there will be none."""
        message = await self._receive()
        if message["type"] == "http.request":
            if is_late(self._scope, self._around.standstill):
                raise StoodStillError
            self._whole = not message.get("more_body", False)
        elif not self._whole:
            self._torn = True
            raise SenderGoneError
        return message

    async def send(self, message: Message) -> None:
        """Pass a part of the answer on, unless nobody is left to read it."""
        if self._torn:
            return
        if message["type"] == "http.response.start":
            self._complete(message)
        elif message["type"] == "http.response.body" and self._scope["method"] == "HEAD":
            message["body"] = b""
        await self._send(message)

    async def refuse_late(self) -> None:
        """Refuse a request that came before this process stood still."""
        problem, headers = described(StoodStillError())
        problem.request_id = self.request_id
        body = msgspec.json.encode(problem)
        headers |= {"Content-Type": MEDIA_TYPE, "Content-Length": str(len(body))}
        lines = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await self.send({"type": "http.response.start", "status": problem.status, "headers": lines})
        await self.send({"type": "http.response.body", "body": body, "more_body": False})

    def _complete(self, message: HTTPResponseStartEvent) -> None:
        """Count and log an answer that begins, and complete its headers."""
        status, seconds = message["status"], time.perf_counter() - self._begun
        self._around.traffic.count(self.asked["method"], self.asked.get("path_template"), status, seconds)
        headers = MutableScopeHeaders(message)
        if status == 204 and self._scope["method"] == "OPTIONS":
            headers["Allow"] = allow(self._around.methods[self.asked["path_template"]])
        headers[REQUEST_ID] = self.request_id
        # Answers are of the moment, and some hold a credential.
        headers.setdefault("Cache-Control", "no-store")
        _log(self._scope, status, seconds)
        if self._around.base_path:
            for name in ADDRESSES:
                if is_local(headers.get(name, "")):
                    headers[name] = self._around.base_path + headers[name]


def _log(scope: HTTPScope, status: int, seconds: float) -> None:
    """Leave out what instances, health checks, scrapes and pages do when all is well: they would drown the rest."""
    path, method = scope["path"], scope["method"]
    principal = scope["state"].get("principal")
    by_operator = principal is not None and principal.role is Role.OPERATOR
    routine = path.startswith(("/inventory/instances/", "/healthz", "/readyz")) and method in ("GET", "PATCH")
    # An open page of the dashboard asks again and again for what it shows.
    looking = (path == "/metrics" or path.startswith("/ui/")) and method == "GET"
    if (looking or (routine and not by_operator)) and status < 400:
        return
    # As it was sent: decoded, it could hold what moves a terminal's cursor.
    sent = scope.get("raw_path", b"")[:LONGEST_LOGGED].decode("ascii", "backslashreplace")
    log.info("request", method=method, path=sent, status=status, milliseconds=round(seconds * 1000, 1))
