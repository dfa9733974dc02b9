"""uvicorn's connection, but for one thing: plain heartbeats are answered on it, without a task and without ASGI.

To find its way through a parser, a scope, a task and two messages costs a heartbeat three times what it costs to be
taken. Only a request that came alone, behind others that are answered, is looked at, and only one that is as plain as
dides.api.plain reads it; whatever is not, or is for the routes, takes the usual way as if nobody had looked.
"""

import asyncio
from functools import partial
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from dides.api.hotpath import HotPath
from dides.api.plain import request_in
from dides.api.responder import PREFIX, Answer, Responder, Taking
from dides.model.errors import BusyError
from dides.model.instance import Brief

REST_SECONDS = 0.1
"""How long a connection is not listened to after a refusal; its sender was asked to wait for ten times as long."""
METHOD = b"PATCH"
_PREFIX = PREFIX.encode()


def answering_connection(hot: HotPath) -> type[HttpToolsProtocol]:
    """Return the class of connections that answer heartbeats for an application."""

    class Connection(Answering):
        responder = hot.responder

    return Connection


class Answering(HttpToolsProtocol):
    """A connection of one sender; everything happens on its event loop."""

    responder: ClassVar[Responder]
    in_message = False
    """True while a request is coming that takes the usual way."""
    _begun = b""
    """A plain heartbeat of which more has to come."""
    _taking: Taking | None = None
    _behind = b""
    """What came behind a heartbeat that is not durable yet."""
    _leaving = False
    _used_at = 0.0
    """When a heartbeat was answered last, by the loop's time."""

    def data_received(self, data: bytes) -> None:
        """Take a plain heartbeat; else go the usual way."""
        if self._taking is not None:
            self._behind += data
            self.flow.pause_reading()
        elif self.in_message or not self.is_idle() or not self._takes(self._begun + data if self._begun else data):
            data, self._begun = self._begun + data, b""
            super().data_received(data)

    def on_message_begin(self) -> None:
        """Note that a request has begun."""
        self.in_message = True
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """Note that a request has come whole."""
        self.in_message = False
        super().on_message_complete()

    def is_idle(self) -> bool:
        """Tell whether every request that has come has been answered, and an answer could be sent."""
        cycle: Any = self.cycle
        return (cycle is None or cycle.response_complete) and not self.pipeline and not self.flow.write_paused

    def shutdown(self) -> None:
        """Close once what has come is answered."""
        if self._taking is None:
            super().shutdown()
        else:
            self._leaving = True

    def timeout_keep_alive_handler(self) -> None:
        """Close, unless a heartbeat came lately: setting a timer again for each would cost more than looking here."""
        left = self._used_at + self.timeout_keep_alive - self.loop.time()
        if self._taking is None and left <= 0:
            super().timeout_keep_alive_handler()
        else:
            self._close_after(max(left, 1.0))

    def _takes(self, data: bytes) -> bool:
        """Take what may be a plain heartbeat, or wait for the rest of it; return False when it is none."""
        plain = request_in(data, METHOD)
        if plain is None or plain.missing < 0 or not plain.target.startswith(_PREFIX):
            return False
        if plain.missing:
            self._begun = data
            self._use()
            return True
        name = plain.target[len(_PREFIX) :].decode("ascii", "replace")
        taken = self.responder.beat(name, plain.credential, plain.request_id, plain.body)
        if taken is None:
            return False
        self._begun = b""
        self._use()
        if isinstance(taken, Taking):
            self._taking = taken
            taken.future.add_done_callback(partial(self._settle, data))
        else:
            self._answer(taken)
        return True

    def _settle(self, data: bytes, _: "asyncio.Future[Brief]") -> None:
        """Answer the heartbeat in `data`, which is durable or was refused, and go on with what came behind it."""
        taking, self._taking = self._taking, None
        if taking is None or self.transport.is_closing():
            return
        if answer := self.responder.outcome(taking):
            self._answer(answer)
        else:
            super().data_received(data)
        if self._behind:
            behind, self._behind = self._behind, b""
            self.flow.resume_reading()
            self.data_received(behind)

    def _answer(self, answer: Answer) -> None:
        """Answer, and listen to nothing more for a moment after a refusal: who asks again at once keeps others away."""
        self.server_state.total_requests += 1
        lines = [b"%s: %s\r\n" % header for header in self.server_state.default_headers]
        if self._leaving:
            lines.append(b"connection: close\r\n")
        lines.append(answer.lines)
        self.transport.write(b"%s%s\r\n%s" % (STATUS_LINE[answer.status], b"".join(lines), answer.body))
        if self._leaving:
            self.transport.close()
        elif answer.status == BusyError.status:
            self.transport.pause_reading()
            self.loop.call_later(REST_SECONDS, self._listen_again)

    def _listen_again(self) -> None:
        if not self.transport.is_closing() and not self.flow.read_paused:
            self.transport.resume_reading()

    def _use(self) -> None:
        """Note that the connection is in use."""
        self._used_at = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._close_after(self.timeout_keep_alive)

    def _close_after(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)
