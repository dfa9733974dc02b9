"""uvicorn's connection, with limits that hold before anybody knows who sends: on the size of a head, and its form.

What breaks a limit is answered here, after what came before it on the connection, and the connection closes. It then
discards what still comes for a moment: to close at once would take the answer away from a sender that still sends.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from dides.api.connections import early_refusals
from dides.api.connections.early_refusals import EarlyRefusal
from dides.api.limits.request_limits import (
    CHUNKS,
    COOKIE_BYTES,
    HEAD_BYTES,
    HEAD_LINES,
    LINGER_SECONDS,
    PIPELINED,
    TARGET_BYTES,
)
from dides.api.problems import EXCESS
from dides.api.traffic import Traffic

PIECE = 64 * 1024
"""Bytes that are parsed before the limits are looked at."""
LEAST_HEAD = len(b"GET  HTTP/1.1\r\n\r\n")
VERSIONS = ("1.0", "1.1")


class RefusedEarlyError(Exception):
    """Stops the parser."""

    def __init__(self, refusal: EarlyRefusal | None = None) -> None:
        super().__init__()
        self.refusal = refusal
        """What is answered; None where the connection closes after what came before."""


class Bounded(HttpToolsProtocol):
    """A connection of one sender; everything happens on its event loop."""

    # Python keeps 30 attributes of an object cheaply, and uvicorn has nearly as many: these are apart from them.
    __slots__ = (
        "_began",
        "_chunks",
        "_head_bytes",
        "_in_body",
        "_in_message",
        "_leaving",
        "_lines",
        "_messages",
        "_refusal",
        "_unended",
    )
    traffic: ClassVar[Traffic]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._in_message = False
        """True while a request is coming that the parser reads."""
        self._in_body = False
        """True while its head has come, and its body has not."""
        self._head_bytes = self._lines = self._chunks = 0
        """Of the request that is coming."""
        self._unended = 0
        """Bytes of a head that has not ended: the parser says nothing of a header that does not end."""
        self._messages = self._began = 0
        """Requests that have begun, on this connection and in the piece that is parsed."""
        self._leaving = False
        """True once nothing more is read: the connection closes after what is still to be answered."""
        self._refusal: EarlyRefusal | None = None
        """What is answered last."""

    def data_received(self, data: bytes) -> None:
        """Parse what has come, as long as it keeps to the limits."""
        if not self._leaving:
            self._unset_keepalive_if_required()
        while data and not self._leaving:
            piece, data = data[:PIECE], data[PIECE:]
            self._parse(piece)

    def _parse(self, piece: bytes) -> None:
        """Let the parser read a piece of at most PIECE bytes."""
        between, self._began = not self._in_message, 0
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            # We speak nothing else, and go on in HTTP/1.1 as the standard has it.
            self._parse(piece[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            stopped = error.__context__
            self._leave(stopped.refusal if isinstance(stopped, RefusedEarlyError) else early_refusals.MALFORMED)
        else:
            self._measure(piece, alone=self._began == between)

    def _measure(self, piece: bytes, *, alone: bool) -> None:
        """Add a piece to the head that is coming; `alone` when all of the piece belongs to it."""
        if not self._in_message or self._in_body or not alone:
            self._unended = 0
            return
        self._unended += len(piece)
        if self._unended > HEAD_BYTES:
            self._leave(early_refusals.HEAD)

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Note that a request has begun."""
        if len(self.pipeline) >= PIPELINED:
            raise RefusedEarlyError
        self._messages += 1
        self._began += 1
        self._in_message, self._in_body = True, False
        self._head_bytes, self._lines, self._chunks = LEAST_HEAD, 0, 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Take a part of what is asked for."""
        super().on_url(url)
        if len(self.url) > TARGET_BYTES:
            raise RefusedEarlyError(early_refusals.TARGET)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what comes behind a body is counted, and never taken for one."""
        self._lines += 1
        self._head_bytes += len(name) + len(value) + 4
        if self._lines > HEAD_LINES or self._head_bytes + len(self.url) > HEAD_BYTES:
            raise RefusedEarlyError(early_refusals.HEAD)
        if not self._in_body:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Look at a head as a whole, and let the application see it."""
        if refusal := self._what_is_wrong():
            raise RefusedEarlyError(refusal)
        super().on_headers_complete()
        self._in_body = True

    def on_chunk_header(self) -> None:
        """Count the pieces of a body."""
        self._chunks += 1
        if self._chunks > CHUNKS:
            raise RefusedEarlyError(early_refusals.CHUNKED)

    def on_message_complete(self) -> None:
        """Note that a request has come whole."""
        self._in_message = self._in_body = False
        super().on_message_complete()

    def _what_is_wrong(self) -> EarlyRefusal | None:
        """Return why a head is refused: what could be understood in two ways is not understood here at all."""
        version = self.parser.get_http_version()
        if version not in VERSIONS:
            return early_refusals.VERSION
        if sum(len(value) for name, value in self.headers if name == b"cookie") > COOKIE_BYTES:
            return early_refusals.HEAD
        names = [name for name, _ in self.headers]
        hosts = names.count(b"host")
        if hosts > 1 or (hosts == 0 and version == "1.1"):
            return early_refusals.HOST
        return early_refusals.AUTHORIZATION if names.count(b"authorization") > 1 else None

    # How it ends.

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        super()._start_asgi_task(cycle, partial(self._answer, cycle, app))

    async def _answer(self, cycle: RequestResponseCycle, app: Any, scope: Any, receive: Any, send: Any) -> None:
        """Let the application answer.

        What it answers before the body has come whole ends the connection, and so does the answer to one that asks too
        often: whatever else was sent on it is not answered.
        """

        async def sending(message: Any) -> None:
            is_excess = scope["state"].get(EXCESS, False)
            is_early = (cycle.more_body or is_excess) and not cycle.response_started
            if is_early:
                cycle.keep_alive = False
            await send(message)
            if is_early:
                # It is closed here, and not by uvicorn in the middle of what its sender sends.
                cycle.keep_alive = self._leaving = True
            if is_excess:
                self.pipeline.clear()

        await app(scope, receive, sending)

    def on_response_complete(self) -> None:
        """Go on with what came behind, or close."""
        is_last = not self.pipeline
        super().on_response_complete()
        if self._leaving and is_last and not self.transport.is_closing():
            self._close()

    def _leave(self, refusal: EarlyRefusal | None) -> None:
        """Read nothing more, and answer this once what came before is answered."""
        self._leaving = True
        self._refusal = refusal
        if refusal:
            self.traffic.refused_early[refusal.reason] += 1
        if self._in_body:
            self._cut()
        cycle: Any = self.cycle
        if cycle is None or cycle.response_complete or cycle.disconnected:
            self._close()

    def _cut(self) -> None:
        """Take the request whose body does not come to its end from the application."""
        if self.pipeline and self.pipeline[0][0] is self.cycle:
            self.pipeline.popleft()
            return
        self.cycle.disconnected = True
        self.cycle.message_event.set()

    def _close(self) -> None:
        """Say what is to be said, and close once it has arrived, or after a moment."""
        self._unset_keepalive_if_required()
        if self._refusal:
            lines = b"".join(b"%s: %s\r\n" % header for header in self.server_state.default_headers)
            said, body = self._refusal.answer(self.headers if self._in_message else ())
            self.transport.write(b"%s%s%s\r\n%s" % (STATUS_LINE[self._refusal.status], lines, said, body))
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._later(LINGER_SECONDS, self.transport.abort)

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        """Do the last thing on a connection, unless it is closed by then."""
        self.timeout_keep_alive_task = self.loop.call_later(seconds, act)
