"""Requests that came before this process stood still, and are read after it: refused (503), whatever they ask for.

Their senders may have given them up, or asked elsewhere. What a connection can read when a standstill is noticed came
before that; so did the connections that wait to be accepted, whose first bytes are taken for such, too.
"""

import asyncio
import fcntl
import socket
import struct
import sys
import termios
from contextlib import suppress
from typing import Any, ClassVar

from litestar.types import HTTPScope

from dides.api.connections.timed import Timed
from dides.api.traffic import Traffic
from dides.coordinator.loops.standstill import Standstill

LATE = -1
"""Stands for a number of standstills that there never were: what is marked with it came before the last one."""
TURNS = 4
"""Of the event loop, at the most, from the moment at which it accepts a connection until that is made."""
_STATE = "standstills"
_UNACCEPTED = struct.Struct("24xI")
"""Where Linux says, of a socket that listens, how many connections wait to be accepted (`tcpi_unacked`)."""


class Backlog:
    """The connections of a server, and what they had not read yet when a standstill was noticed."""

    def __init__(self, standstill: Standstill) -> None:
        self.standstill = standstill
        self.connections: set[Punctual] = set()
        self._listening: list[socket.socket] = []
        self._unaccepted = 0
        self._turns = 0
        """For how many turns of the loop connections are made that it had accepted when a standstill was noticed."""
        standstill.on_noticed.append(self._take_stock)

    def listen(self, listening: socket.socket) -> None:
        """Look at the connections that wait on this socket, too."""
        self._listening.append(listening)

    def is_late(self) -> bool:
        """Tell whether a connection that is made now has waited for that since before a standstill."""
        if self._turns:
            return True
        late = self._unaccepted > 0
        self._unaccepted -= late
        return late

    def _turn_over(self) -> None:
        self._turns -= 1
        if self._turns:
            asyncio.get_running_loop().call_soon(self._turn_over)

    def _take_stock(self) -> None:
        if not self._turns:
            asyncio.get_running_loop().call_soon(self._turn_over)
        self._turns = TURNS
        self._unaccepted = sum(map(_unaccepted, self._listening))
        for connection in self.connections:
            connection.take_stock()


class Punctual(Timed):
    """A connection that knows which of its requests came before a standstill."""

    __slots__ = ("_late_bytes", "_stood")
    backlog: ClassVar[Backlog]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._late_bytes = 0
        """How many bytes that are still to be read came before a standstill."""
        self._stood = 0
        """How many standstills there had been when what is parsed now was received, or LATE."""

    def connection_made(self, transport: Any) -> None:
        """Note whether it has waited for this since before a standstill."""
        super().connection_made(transport)
        stood = self.backlog.standstill.count
        self._late_bytes = int(self.backlog.standstill.look() != stood or self.backlog.is_late())
        self.backlog.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self.backlog.connections.discard(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read what has come, with a mark of when."""
        self.read(data, self.arrived(data))

    def read(self, data: bytes, stood: int) -> None:
        """Parse what came after so many standstills."""
        self._stood = stood
        super().data_received(data)

    def on_message_begin(self) -> None:
        """Mark a request with the time at which it began to come."""
        super().on_message_begin()
        self.scope["state"][_STATE] = self._stood

    def arrived(self, data: bytes) -> int:
        """Return how many standstills there had been when these bytes came, which were read right now, or LATE."""
        standstill = self.backlog.standstill
        stood, late = standstill.count, self._late_bytes
        if standstill.look() != stood:
            return LATE  # Only now was noted how much there is still to be read.
        self._late_bytes = max(0, late - len(data))
        return LATE if late else stood

    def take_stock(self) -> None:
        """Note how many bytes can be read now."""
        waiting = bytearray(4)
        with suppress(OSError):
            fcntl.ioctl(self.transport.get_extra_info("socket").fileno(), termios.FIONREAD, waiting)
        self._late_bytes = int.from_bytes(waiting, sys.byteorder)


def punctual_connection(backlog: Backlog, traffic: Traffic) -> type[Punctual]:
    """Return the class of connections of a server."""

    class Connection(Punctual):
        __slots__ = ()

    Connection.backlog, Connection.traffic = backlog, traffic
    return Connection


def is_late(scope: HTTPScope, standstill: Standstill) -> bool:
    """Tell whether a request began to come before a standstill."""
    came: int = scope.get("state", {}).get(_STATE, standstill.count)
    return came != standstill.look()


def _unaccepted(listening: socket.socket) -> int:
    """Return how many connections wait to be accepted, where the system says so."""
    if not sys.platform.startswith("linux"):
        return 0
    return int(_UNACCEPTED.unpack(listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _UNACCEPTED.size))[0])
