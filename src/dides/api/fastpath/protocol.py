"""uvicorn's connection, but for one thing: plain heartbeats and blocking queries are answered on it, without ASGI.

To find its way through a parser, a scope, a task and two messages costs a heartbeat three times what it costs to be
taken, and a query that is held needs none of these to wait. Only a request that came alone, behind others that are
answered, is looked at, and only one that is as plain as `parser` reads it; whatever is not, or is for the
routes, takes the usual way as if nobody had looked.
"""

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from dides.api.connections import early_refusals
from dides.api.connections.early_refusals import EarlyRefusal
from dides.api.connections.late_requests import Backlog, Punctual
from dides.api.fastpath.asgi import FastPath
from dides.api.fastpath.parser import BEGINNINGS, PlainRequest, request_in
from dides.api.fastpath.responder import Answer, HeldQuery, Pending, Responder
from dides.api.limits.request_limits import BODY_SECONDS
from dides.api.request_headers import credential_hash_in

TOO_MANY = 429
REST_SECONDS = 0.1
"""How long a connection is not listened to after a refusal; its sender was asked to wait for ten times as long."""


def answering_connection(fast_path: FastPath, backlog: Backlog | None = None) -> type["Answering"]:
    """Return the class of connections that answer for an application."""

    class Connection(Answering):
        __slots__ = ()
        responder = fast_path.responder
        traffic = fast_path.responder.traffic

    Connection.backlog = backlog or Backlog(fast_path.standstill)
    return Connection


class Answering(Punctual):
    """A connection of one sender; everything happens on its event loop."""

    __slots__ = (
        "_begun",
        "_behind",
        "_behind_stood",
        "_is_last",
        "_missing",
        "_pending",
        "_request",
        "_shared",
        "_shown",
        "_used_at",
    )
    responder: ClassVar[Responder]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._begun = b""
        """A plain request of which more has to come."""
        self._missing = 0
        """How many bytes."""
        self._pending: Pending | None = None
        """What is answered later."""
        self._request = b""
        """Its bytes, should the routes have to answer it after all."""
        self._behind = b""
        """What came behind it."""
        self._behind_stood = 0
        """How many standstills there had been when that began to come, or LATE."""
        self._is_last = False
        """True once the server stops: what is pending is answered, and nothing after it."""
        self._shown = b""
        """The hash of the credential that was shown last."""
        self._shared = False
        """True once several were shown: it is a proxy's."""
        self._used_at = 0.0
        """When something was answered here last, by the loop's time."""

    def data_received(self, data: bytes) -> None:
        """Answer a plain request; else go the usual way."""
        stood = self.arrived(data)
        if self._pending is not None:
            self._behind_stood = min(self._behind_stood, stood) if self._behind else stood
            self._behind += data
            self.flow.pause_reading()
            return
        self._answer_or_parse(data, stood)

    def connection_lost(self, exc: Exception | None) -> None:
        """Hold nothing for one that has hung up."""
        pending, self._pending = self._pending, None
        if pending is not None:
            self.responder.leave(pending)
        if self._shown and not self._shared and self.responder.crowd is not None:
            self.responder.crowd.remove(self._shown, self)
        super().connection_lost(exc)

    def give_way(self) -> None:
        """Close once what is pending is answered, which a held query is at once."""
        self.shutdown()
        self.responder.let_go(self._pending)

    def on_headers_complete(self) -> None:
        """Note whose a request is that takes the usual way."""
        super().on_headers_complete()
        for name, value in self.headers:
            if name == b"authorization" and (credential := credential_hash_in(value)):
                self._show(credential)

    def shutdown(self) -> None:
        """Close once what is pending is answered."""
        if self._pending is None:
            super().shutdown()
        else:
            self._is_last = True

    def timeout_keep_alive_handler(self) -> None:
        """Close, unless something was answered lately: a new timer for each request would cost more than this look."""
        left = self._used_at + self.timeout_keep_alive - self.loop.time()
        if self._pending is None and left <= 0:
            super().timeout_keep_alive_handler()
        else:
            self._close_after(max(left, 1.0))

    def _answer_or_parse(self, data: bytes, stood: int) -> None:
        """Answer what came after so many standstills."""
        if self._begun:
            stood = min(self._stood, stood)
            self._missing -= len(data)
            data = self._begun + data
        self._stood = stood
        if self._begun and self._missing > 0:
            self._begun = data
            return
        self._begun = b""
        if not (data.startswith(BEGINNINGS) and self._is_between() and self._takes(data)):
            self.read(data, stood)

    def _is_between(self) -> bool:
        """Tell whether every request that has come has been answered, and its sender reads what it is answered."""
        cycle: Any = self.cycle
        idle = not self._in_message and not self.pipeline and (cycle is None or cycle.response_complete)
        return idle and not self._leaving and not self.flow.write_paused and not self.transport.is_closing()

    def _takes(self, data: bytes) -> bool:
        """Take what may be a plain request, or wait for the rest of it; return False when it is for the usual way."""
        plain = request_in(data)
        if plain is None or plain.missing < 0:
            return False
        if plain.missing:
            return self._waits(plain, data)
        if plain.credential != self._shown:
            self._show(plain.credential)
        answer = self.responder.late(plain) if self._is_late() else self.responder.take(plain, self._settle)
        if answer is None:
            return False
        self._request = data
        self._await_nothing()
        self._go_on(answer)
        return True

    def _show(self, credential: bytes) -> None:
        """Note a credential: whose a connection is, or that it is of several."""
        before, self._shown = self._shown, credential
        crowd = self.responder.crowd
        if crowd is None or self._shared or credential == before:
            return
        if not before:
            crowd.add(credential, self)
        else:
            self._shared = True
            crowd.remove(before, self)

    def _waits(self, plain: PlainRequest, data: bytes) -> bool:
        """Wait for the rest of a plain request, if its sender is known: who is not is refused before."""
        if not self.responder.knows(plain):
            return False
        self._begun, self._missing = data, plain.missing
        self._keep_open()
        self._await(2 * self._messages + 1, BODY_SECONDS)
        return True

    def _unfinished(self) -> EarlyRefusal | None:
        """Return what is said to a sender whose request has begun and come no further; None when none has begun."""
        if self._begun:
            self._begun = b""
            return early_refusals.SLOW_BODY
        return super()._unfinished()

    def _is_late(self) -> bool:
        """Tell whether the process has stood still since the request that is being answered came."""
        return self._stood != self.backlog.standstill.look()

    def _go_on(self, answer: Answer | Pending) -> None:
        """Answer now, or later."""
        if isinstance(answer, Answer):
            self._request = b""
            self._write(answer)
            return
        self._pending = answer
        if isinstance(answer, HeldQuery):
            self._unset_keepalive_if_required()
            nothing: Any = None
            # What is left of the request before this one is of no use any more, and this one may wait for long.
            self.cycle = self.scope = self.headers = nothing
        if not isinstance(answer, PlainRequest):
            answer.future.add_done_callback(self._settle)

    def _settle(self, _: "asyncio.Future[Any] | None" = None) -> None:
        """Go on with what was pending, and then with what came behind it."""
        pending, self._pending = self._pending, None
        if pending is None or self.transport.is_closing():
            return
        if isinstance(pending, PlainRequest):
            answer = self.responder.late(pending) if self._is_late() else self.responder.answer(pending)
        else:
            answer = self.responder.outcome(pending)
        if answer is not None:
            self._go_on(answer)
        else:
            self._hand_on()
        self._catch_up()

    def _hand_on(self) -> None:
        """Let the routes answer: they have the words for it."""
        data, self._request = self._request, b""
        self.read(data, self._stood)
        if self._is_last:
            super().shutdown()

    def _catch_up(self) -> None:
        """Look at what came meanwhile."""
        if self._behind and self._pending is None and not self.transport.is_closing():
            behind, self._behind = self._behind, b""
            self.flow.resume_reading()
            self._answer_or_parse(behind, self._behind_stood)

    def _write(self, answer: Answer) -> None:
        """Answer, and listen to nothing more for a moment after a refusal: who asks again at once keeps others away."""
        self.server_state.total_requests += 1
        lines = [b"%s: %s\r\n" % header for header in self.server_state.default_headers]
        lines.append(answer.lines)
        if self._is_last:
            lines.append(b"connection: close\r\n")
        self.transport.write(b"%s%s\r\n%s" % (STATUS_LINE[answer.status], b"".join(lines), answer.body))
        self._keep_open()
        if self._is_last:
            self.transport.close()
        elif answer.status == TOO_MANY:
            self.transport.pause_reading()
            self.loop.call_later(REST_SECONDS, self._listen_again)

    def _listen_again(self) -> None:
        if not self.transport.is_closing() and not self.flow.read_paused:
            self.transport.resume_reading()

    def _keep_open(self) -> None:
        """Note that the connection is in use."""
        self._used_at = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._close_after(self.timeout_keep_alive)

    def _close_after(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)
