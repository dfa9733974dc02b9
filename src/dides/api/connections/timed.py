"""Time limits of a connection: how long one may be silent, send a request, and leave an answer unread.

No limit starts again when bytes arrive: a sender of one byte a second has as much time as a silent one. Only one
timer runs for what is to come, and none for a request that has come whole.
"""

from asyncio import TimerHandle
from typing import Any

from dides.api.connections import early_refusals
from dides.api.connections.bounded import Bounded
from dides.api.connections.early_refusals import EarlyRefusal
from dides.api.limits.request_limits import BODY_SECONDS, HEAD_SECONDS, WRITE_SECONDS
from dides.api.traffic import Traffic


def limited_connection(traffic: Traffic) -> type["Timed"]:
    """Return the class of connections with limits that count what they refuse, and have no way of their own."""

    class Connection(Timed):
        __slots__ = ()

    Connection.traffic = traffic
    return Connection


SILENT = 0
"""What is awaited of a connection on which no request has begun; else a number that differs for each head and body."""


class Timed(Bounded):
    """A connection of one sender."""

    __slots__ = ("_awaited", "_due", "_unread")

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._awaited: int | None = None
        """What has to come before `_due`."""
        self._due: TimerHandle | None = None
        self._unread: TimerHandle | None = None
        """Runs while answers are not read."""

    def connection_made(self, transport: Any) -> None:
        """Give a new connection time for its first request."""
        super().connection_made(transport)
        self._await(SILENT, HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget all timers, which would keep what is lost in memory."""
        self._await_nothing()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def data_received(self, data: bytes) -> None:
        """Take what has come, and give what has not come its time."""
        messages, in_message = self._messages, self._in_message
        super().data_received(data)
        if self._leaving:
            self._await_nothing()
        elif self._in_message:
            self._await(2 * self._messages + self._in_body, BODY_SECONDS if self._in_body else HEAD_SECONDS)
        elif messages == self._messages and not in_message:
            self._await(SILENT, HEAD_SECONDS)  # Blank lines alone, of which there may be as many as one likes.
        else:
            self._await_nothing()

    def pause_writing(self) -> None:
        """Give a sender time to read."""
        super().pause_writing()
        self._await_reader()

    def resume_writing(self) -> None:
        """Note that it reads."""
        super().resume_writing()
        if self._unread is not None and not self.transport.is_closing():
            self._unread.cancel()
            self._unread = None

    def on_response_complete(self) -> None:
        """Go on, or close within a time: a transport alone would wait for ever for its last bytes to be read."""
        super().on_response_complete()
        if self.transport.is_closing() and self.transport.get_write_buffer_size():
            self._await_reader()

    def timeout_keep_alive_handler(self) -> None:
        """Close one that idles; there is no use in waiting for one that has left its answers unread all this time."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        super().timeout_keep_alive_handler()

    def _unfinished(self) -> EarlyRefusal | None:
        """Return what is said to a sender whose request has begun and come no further; None when none has begun."""
        if self._in_message:
            return early_refusals.SLOW_BODY if self._in_body else early_refusals.SLOW_HEAD
        return None

    def _await_reader(self) -> None:
        if self._unread is None:
            self._unread = self.loop.call_later(WRITE_SECONDS, self.transport.abort)

    def _await(self, what: int, seconds: float) -> None:
        """Give something its time, once."""
        if self._awaited != what:
            self._await_nothing()
            self._awaited = what
            self._due = self.loop.call_later(seconds, self._expire, what, seconds)

    def _await_nothing(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = self._awaited = None

    def _expire(self, what: int, seconds: float) -> None:
        self._due = self._awaited = None
        if self._leaving:
            return  # An answer has begun, and nothing more of the request is read.
        if self.flow.read_paused:
            self._await(what, seconds)  # It may have come: nobody has looked.
            return
        refusal = self._unfinished()
        if refusal is None:
            self.traffic.refused_early[early_refusals.SILENT] += 1
        self._leave(refusal)
