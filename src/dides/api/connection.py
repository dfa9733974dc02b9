"""uvicorn's connection, but for one thing: while load is shed, most heartbeats are refused before they are parsed.

What is refused here costs a tenth of what it costs to find its way to a handler, so that the event loop comes round
soon to those who are served: operators, and the instances that a rollout waits for. Only a request that came whole and
alone, between two others, is looked at; whatever is not as plain as that takes the usual way.
"""

import re
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from dides.api.hotpath import PREFIX, HotPath
from dides.api.overload import Overload

REST_SECONDS = 0.1
"""How long a connection is not listened to after a refusal; its sender was asked to wait for ten times as long."""
BEGINS = b"PATCH " + PREFIX.encode()
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d{1,5})(?=\r\n)", re.IGNORECASE)
_NOT_PLAIN = re.compile(
    rb"\r\n(?:transfer-encoding|expect|upgrade) *:|\r\nconnection *:(?! *keep-alive\r\n)", re.IGNORECASE
)


def shedding_connection(hot: HotPath, overload: Overload) -> type[HttpToolsProtocol]:
    """Return the class of connections that shed load for an application."""

    class Connection(Shedding):
        pass

    Connection.hot, Connection.overload = hot, overload
    return Connection


class Shedding(HttpToolsProtocol):
    """A connection; `hot` and `overload` are those of its application."""

    hot: ClassVar[HotPath]
    overload: ClassVar[Overload]
    in_message = False

    def data_received(self, data: bytes) -> None:
        """Refuse a heartbeat that may be refused now; else go the usual way."""
        if self.overload.shedding and not self.in_message and self.is_idle():
            name = heartbeat_in(data)
            if name is not None and (refusal := self.hot.refusal_for(name)):
                self._refuse(*refusal)
                return
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
        """Tell whether every request that has come has been answered."""
        cycle: Any = self.cycle
        return not self.pipeline and (cycle is None or cycle.response_complete)

    def _refuse(self, start: Any, end: Any) -> None:
        """Answer, and listen to nothing more for a moment: who asks again at once would keep the loop from others."""
        headers = (*self.server_state.default_headers, *start["headers"])
        head = b"".join(b"%s: %s\r\n" % header for header in headers)
        self.transport.write(b"%s%s\r\n%s" % (STATUS_LINE[start["status"]], head, end["body"]))
        self.transport.pause_reading()
        self.loop.call_later(REST_SECONDS, self._listen_again)

    def _listen_again(self) -> None:
        if not self.transport.is_closing() and not self.flow.read_paused:
            self.transport.resume_reading()


def heartbeat_in(data: bytes) -> str | None:
    """Return whose heartbeat it is that came in one piece, with nothing before or behind it; None if it is none."""
    if not data.startswith(BEGINS):
        return None
    end = data.find(b"\r\n\r\n") + 2
    head = data[:end]
    lengths = _LENGTH.findall(head)
    if len(lengths) != 1 or len(data) != end + 2 + int(lengths[0]) or _NOT_PLAIN.search(head):
        return None
    name, found, _ = head[len(BEGINS) :].partition(b" HTTP/1.1\r\n")
    return name.decode("ascii") if found and name.isascii() else None
