"""The connection on which a plain blocking query is held: without a task, and without what uvicorn makes of a request.

An agent's query waits for half a minute, and a coordinator holds one of every agent. All that is kept of it here is its
bytes, what they ask for, and a future; once that is done, the answer is written. Only a request that came whole and
alone, between two others, is looked at, and only if it has nothing unusual in it; everything else takes the usual way,
on which it is answered byte for byte alike (tests/integration/test_holding.py holds the two together).
"""

import re
from typing import Any

import msgspec
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from dides.api.connection import Shedding
from dides.api.hotpath import PREFIX, Asked, HotPath
from dides.api.overload import Overload
from dides.coordinator.feed import Wait
from dides.model.errors import RefusedError

LARGEST = 4096
"""Bytes of a plain query; an agent's has some 300."""
BEGINS = b"GET " + PREFIX.encode()
_PLAIN = re.compile(
    rb"GET " + PREFIX.encode() + rb"(?P<name>[a-z0-9.-]{1,253})/desired\?(?P<query>[a-z0-9.=&]+) HTTP/1\.1\r\n"
    rb"(?P<headers>(?:[A-Za-z0-9-]+: [!-~](?:[ -~]*[!-~])?\r\n)+)\r\n"
)
_UNUSUAL = {b"content-length", b"transfer-encoding", b"expect", b"upgrade", b"proxy-connection"}
Headers = list[tuple[bytes, bytes]]


class _Held(msgspec.Struct, frozen=True):
    asked: Asked
    request: bytes
    wait: Wait


def holding_connection(hot: HotPath, overload: Overload) -> type[Shedding]:
    """Return the class of connections that shed load for an application, and hold queries."""

    class Connection(Holding):
        pass

    Connection.hot, Connection.overload = hot, overload
    return Connection


class Holding(Shedding):
    """A connection; `hot` and `overload` are those of its application."""

    # Python keeps 30 attributes of an object cheaply, and uvicorn has nearly as many: these are apart from them.
    __slots__ = ("_held", "_is_last", "_later")

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._held: _Held | None = None
        self._later = b""
        """What came while a query was held, to be looked at after it is answered."""
        self._is_last = False
        """True once the server stops: what is held now is answered, and nothing after it."""

    def data_received(self, data: bytes) -> None:
        """Hold or answer a plain query; else go the usual way."""
        if self._held is not None:
            self._later += data
            self.flow.pause_reading()
        elif not (data.startswith(BEGINS) and self._takes(data)):
            super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Hold nothing for one that has hung up."""
        held, self._held = self._held, None
        if held is not None:
            self.hot.queries.leave(held.wait)
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Close it, once what is held has been answered."""
        if self._held is None:
            super().shutdown()
        else:
            self._is_last = True

    def is_idle(self) -> bool:
        """Tell whether every request that has come has been answered."""
        return self._held is None and super().is_idle()

    def _takes(self, data: bytes) -> bool:
        """Take a request if it is a plain query that may be taken here; return whether it was."""
        # One that does not read its answers has to wait for itself, which the usual way sees to.
        if self.in_message or self.flow.write_paused or self.transport.is_closing() or not self.is_idle():
            return False
        plain = plain_query(data)
        asked = self.hot.query_of(*plain) if plain else None
        if asked is None:
            return False
        self._unset_keepalive_if_required()
        if refusal := self.hot.query_refusal(asked):
            self._write(*refusal)
        else:
            self._look(asked, data)
        return True

    def _look(self, asked: Asked, request: bytes) -> None:
        """Answer a query, hold it, or hand it on."""
        try:
            answer = self.hot.query_answer(asked)
        except RefusedError:
            self._hand_on(request)
            return
        if answer is None:
            self._hold(asked, request)
        else:
            self._write(*answer)
            self._go_on()

    def _hold(self, asked: Asked, request: bytes) -> None:
        nothing: Any = None
        # What is left of the request before this one is of no use any more.
        self.cycle = self.scope = self.headers = nothing
        self._held = _Held(asked, request, self.hot.queries.hold(asked.query))
        self._held.wait.add_done_callback(self._woken)

    def _woken(self, _: object) -> None:
        held, self._held = self._held, None
        if held is not None:  # Else it has hung up meanwhile.
            self._look(held.asked, held.request)

    def _write(self, start: Any, end: Any) -> None:
        """Answer as uvicorn does."""
        closing = (CLOSE_HEADER,) if self._is_last else ()
        headers = (*self.server_state.default_headers, *start["headers"], *closing)
        head = b"".join(b"%s: %s\r\n" % header for header in headers)
        self.transport.write(b"%s%s\r\n%s" % (STATUS_LINE[start["status"]], head, end["body"]))
        if self._is_last:
            self.transport.close()
        self.on_response_complete()

    def _hand_on(self, request: bytes) -> None:
        """Let the routes answer: they have the words for it."""
        super().data_received(request)
        if self._is_last:
            super().shutdown()
        self._go_on()

    def _go_on(self) -> None:
        """Look at what came meanwhile."""
        data, self._later = self._later, b""
        if data and not self.transport.is_closing():
            self.data_received(data)


def plain_query(data: bytes) -> tuple[str, bytes, Headers] | None:
    """Return the name, the query string and the headers of a plain blocking query which is all that there is in `data`.

    The names of the headers are in lower case. None for everything else.
    """
    found = _PLAIN.fullmatch(data) if len(data) <= LARGEST else None
    if found is None:
        return None
    headers = [_split(line) for line in found["headers"].split(b"\r\n")[:-1]]
    if any(_is_unusual(name, value) for name, value in headers):
        return None
    return found["name"].decode(), found["query"], headers


def _split(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b": ")
    return name.lower(), value


def _is_unusual(name: bytes, value: bytes) -> bool:
    return name in _UNUSUAL or (name == b"connection" and value.lower() != b"keep-alive")
