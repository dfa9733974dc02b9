"""The connection on which a plain blocking query is held: without a task, and without what uvicorn makes of a request.

An agent's query waits for half a minute, and a coordinator holds one of every agent. All that is kept of it here is its
bytes, what they ask for, and a future; once that is done, the answer is written. As with heartbeats, only a request
that came whole and alone, behind others that are answered, is looked at, and only a plain one. Everything else takes
the usual way, on which it is answered byte for byte alike (tests/integration/test_holding.py holds the two together).
"""

from typing import Any

import msgspec

from dides.api.connection import Answering
from dides.api.hotpath import HotPath
from dides.api.plain import request_in
from dides.api.responder import DESIRED, PREFIX, Asked
from dides.coordinator.feed import Wait
from dides.model.errors import RefusedError

METHOD = b"GET"
BEGINS = b"GET " + PREFIX.encode()
_PREFIX, _DESIRED = PREFIX.encode(), DESIRED.encode()


class _Held(msgspec.Struct):
    asked: Asked
    request: bytes
    wait: Wait


def holding_connection(hot: HotPath) -> type[Answering]:
    """Return the class of connections that answer heartbeats for an application, and hold queries."""

    class Connection(Holding):
        responder = hot.responder

    return Connection


class Holding(Answering):
    """A connection of one sender; everything happens on its event loop."""

    # Python keeps 30 attributes of an object cheaply, and uvicorn has nearly as many: this one is apart from them.
    __slots__ = ("_held",)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._held: _Held | None = None

    def data_received(self, data: bytes) -> None:
        """Hold or answer a plain query; else go the usual way."""
        if self._held is not None:
            self._behind += data
            self.flow.pause_reading()
        elif not (data.startswith(BEGINS) and self._is_between() and self._asks(data)):
            super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Hold nothing for one that has hung up."""
        held, self._held = self._held, None
        if held is not None:
            self.responder.queries.leave(held.wait)
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Close once what has come is answered."""
        if self._held is None:
            super().shutdown()
        else:
            self._leaving = True

    def _is_between(self) -> bool:
        """Tell whether nothing of a request has come that is not answered."""
        return self._taking is None and not self._begun and not self.in_message and self.is_idle()

    def _asks(self, data: bytes) -> bool:
        """Take a request if it is a plain query for this place; return whether it was."""
        asked = self._query_in(data)
        if asked is None:
            return False
        self._unset_keepalive_if_required()
        if refusal := self.responder.sheds(asked):
            self._answer(refusal)
            self._use()
        else:
            self._look(asked, data)
        return True

    def _query_in(self, data: bytes) -> Asked | None:
        plain = request_in(data, METHOD)
        if plain is None or plain.missing or plain.body:
            return None
        path, _, text = plain.target.partition(b"?")
        if not path.endswith(_DESIRED):
            return None
        name = path[len(_PREFIX) : -len(_DESIRED)].decode("ascii", "replace")
        return self.responder.asked(name, plain.credential, plain.request_id, text)

    def _look(self, asked: Asked, request: bytes) -> None:
        """Answer a query, hold it, or hand it on."""
        try:
            answer = self.responder.reply(asked)
        except RefusedError:
            self._hand_on(request)
            return
        if answer is None:
            self._hold(asked, request)
        else:
            self._answer(answer)
            if not self._leaving:
                self._use()
            self._go_on()

    def _hold(self, asked: Asked, request: bytes) -> None:
        nothing: Any = None
        # What is left of the request before this one is of no use any more.
        self.cycle = self.scope = self.headers = nothing
        self._held = _Held(asked, request, self.responder.queries.hold(asked.query))
        self._held.wait.add_done_callback(self._woken)

    def _woken(self, _: object) -> None:
        held, self._held = self._held, None
        if held is not None:  # Else it has hung up meanwhile.
            self._look(held.asked, held.request)

    def _hand_on(self, request: bytes) -> None:
        """Let the routes answer: they have the words for it."""
        super().data_received(request)
        if self._leaving:
            super().shutdown()
        self._go_on()

    def _go_on(self) -> None:
        """Look at what came meanwhile."""
        if self._behind and not self.transport.is_closing():
            behind, self._behind = self._behind, b""
            self.flow.resume_reading()
            self.data_received(behind)
