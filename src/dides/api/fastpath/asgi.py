"""The two requests that a fleet makes all day, answered in front of the framework: heartbeats and blocking queries.

`protocol` answers most of them on their connection. This module answers the others, in whatever form they came, if
`responder` has an answer; it hands anything else on to the routes, with the body that was read.
"""

import asyncio
from collections.abc import Iterable

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPRequestEvent, HTTPScope, Receive, ReceiveMessage, Scope, Send

from dides.api.base_path import without
from dides.api.connections.late_requests import is_late
from dides.api.fastpath.responder import DESIRED, PREFIX, Answer, HeldQuery, PendingHeartbeat, Responder
from dides.api.request_headers import credential_hash_in, is_request_id
from dides.coordinator.loops.standstill import Standstill

LARGEST_PLAIN_BODY = 16 * 1024


class FastPath:
    """An ASGI application in front of another one."""

    def __init__(self, app: ASGIApp, responder: Responder, standstill: Standstill) -> None:
        self.app = app
        self.responder = responder
        self.standstill = standstill

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a plain heartbeat or blocking query; hand anything else on."""
        path = without(self.responder.base_path, scope["path"]) if scope["type"] == ScopeType.HTTP else ""
        if scope["type"] == ScopeType.HTTP and path.startswith(PREFIX):
            if scope["method"] == "PATCH" and not scope["query_string"]:
                await self._heartbeat(path[len(PREFIX) :], scope, receive, send)
                return
            if scope["method"] == "GET" and path.endswith(DESIRED):
                await self._desired(path[len(PREFIX) : -len(DESIRED)], scope, receive, send)
                return
        await self.app(scope, receive, send)

    async def _heartbeat(self, name: str, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Take a heartbeat.

        Who sends it is looked at before its body is read, and again after it, together with what is known then.
        """
        credential, request_id = _presented(scope["headers"])
        if self.responder.known(name, credential) is None:
            await self.app(scope, receive, send)
            return
        message = await _whole(await receive(), receive)
        if message["type"] != "http.request":
            return  # The sender has gone away.
        found = None
        if not message.get("more_body") and not is_late(scope, self.standstill):
            found = self.responder.beat(name, credential, request_id, _body(message))
        await self._give(found, scope, _again(message, receive), send)

    async def _desired(self, name: str, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Answer a blocking query once there is something to answer."""
        asked = scope["query_string"].decode("ascii", "replace")
        found = None
        if not is_late(scope, self.standstill):
            found = self.responder.query(name, *_presented(scope["headers"]), asked)
        await self._give(found, scope, receive, send)

    async def _give(
        self, found: Answer | PendingHeartbeat | HeldQuery | None, scope: HTTPScope, receive: Receive, send: Send
    ) -> None:
        """Give an answer once there is one; let the routes give it where there is none."""
        while isinstance(found, PendingHeartbeat | HeldQuery):
            try:
                await asyncio.wait([found.future])
            finally:
                self.responder.leave(found)
            found = self.responder.outcome(found)
        if found is None:
            await self.app(scope, receive, send)
            return
        headers = [(name, value) for name, _, value in (line.partition(b": ") for line in found.lines.splitlines())]
        await send({"type": "http.response.start", "status": found.status, "headers": headers})
        await send({"type": "http.response.body", "body": found.body, "more_body": False})


def _presented(headers: Iterable[tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
    """Return the SHA-256 of the credential in a request, and its id; empty where there is none."""
    authorization, request_id = b"", b""
    for key, value in headers:
        if key == b"authorization":
            authorization = value
        elif key == b"x-request-id" and is_request_id(value):
            request_id = value
    return credential_hash_in(authorization), request_id


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
