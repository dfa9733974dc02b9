"""What every answer has, whoever gives it: a request id, no place in caches, and the methods that HTTP promises."""

import time
import uuid
from collections.abc import Collection, Mapping
from typing import cast

import structlog
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPResponseStartEvent, HTTPScope, Message, Receive, Scope, Send

from dides.api.access import Connection, Role
from dides.api.request_headers import is_request_id

log = structlog.get_logger()
LONGEST_LOGGED = 500
REQUEST_ID = "X-Request-ID"
_HEAD = "head"


def identify_requests(app: ASGIApp) -> ASGIApp:
    """Wrap an application: an incoming X-Request-ID is kept when it is 1 to 128 visible characters.

    It stands on the answer and in every log line, and each request of an operator leaves one such line.
    """

    async def identified(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(REQUEST_ID.lower().encode(), b"")
        request_id = given.decode() if is_request_id(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        begun = time.perf_counter()

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                _complete(message, request_id)
                _log(scope, message["status"], time.perf_counter() - begun)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await app(scope, receive, answer)

    return identified


def answer_head_and_options(app: ASGIApp, methods: Mapping[str, Collection[str]]) -> ASGIApp:
    """Wrap an application so that HEAD is GET without a body, and OPTIONS tells every method of a path.

    `methods` has the methods by path template, as the application notes it in the scope.
    """

    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] not in ("HEAD", "OPTIONS"):
            await app(scope, receive, send)
            return
        head = scope["method"] == "HEAD"
        scope.setdefault("state", {})[_HEAD] = head
        # A copy: the server must go on seeing what it was asked, or it would send a body.
        asked = cast("HTTPScope", {**scope, "method": "GET" if head else "OPTIONS"})

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 204 and not head:
                MutableScopeHeaders(message)["Allow"] = allow(methods[asked["path_template"]])
            if message["type"] == "http.response.body" and head:
                message["body"] = b""
            await send(message)

        await app(asked, receive, answer)

    return answering


def is_head(connection: Connection) -> bool:
    """Tell whether only the head of an answer will be sent: to answer a HEAD without an end would never end."""
    return bool(connection.scope["state"].get(_HEAD))


def allow(methods: Collection[str]) -> str:
    """Return the value of an Allow header."""
    return ", ".join(sorted({*methods, "OPTIONS", *({"HEAD"} if "GET" in methods else ())}))


def _complete(message: HTTPResponseStartEvent, request_id: str) -> None:
    headers = MutableScopeHeaders(message)
    headers[REQUEST_ID] = request_id
    # Answers are of the moment, and some hold a credential.
    headers.setdefault("Cache-Control", "no-store")


def _log(scope: Scope, status: int, seconds: float) -> None:
    """Leave out what instances, health checks, scrapes and pages do when all is well: they would drown the rest."""
    path, method = scope["path"], scope.get("method", "")
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
