"""Takes connections from a listening socket, and goes on when the system has no more of them to give.

Each needs an open file, and so do the database and the logs. Whoever would take one of the last ones is hung up on.
The event loop's own servers do not say when they hang up on somebody, or stop listening for good.
"""

import asyncio
import socket
import time
from collections.abc import Callable
from typing import Protocol

import structlog

from dides.api.connections.early_refusals import ACCEPT
from dides.api.traffic import Traffic

log = structlog.get_logger()
AT_ONCE = 64
"""Connections that are taken in one turn of the event loop."""
PAUSE_SECONDS = 0.1
"""How long nobody is taken once the system has refused one."""
LOG_SECONDS = 10.0
"""How often the log says so at most."""
RESERVED_FILES = 128
"""Open files that connections leave to others, but never more than an eighth of those that there may be."""


class Listening(Protocol):
    """As much of a listening socket as is needed."""

    def accept(self) -> tuple[socket.socket, object]:
        """Return the next connection; OSError when there is none."""

    def fileno(self) -> int:
        """Return the number of its open file."""


class Acceptor:
    """Takes connections for as long as it is open. uvicorn takes it for a server of the event loop."""

    def __init__(
        self,
        listening: Listening,
        connect: Callable[[], asyncio.Protocol],
        traffic: Traffic,
        most_files: int | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`connect` makes the protocol of a connection; `most_files` is how many files may be open, None: any number.

        The listening socket must not block.
        """
        self._listening = listening
        self._connect = connect
        self._traffic = traffic
        self._most = None if most_files is None else most_files - min(RESERVED_FILES, most_files // 8)
        self._now = now
        self._logged_at = float("-inf")
        self._loop = asyncio.get_running_loop()
        self._connecting: set[asyncio.Task[object]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self._loop.add_reader(listening.fileno(), self.accept)

    def close(self) -> None:
        """Take nobody any more. The socket is the caller's to close."""
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._listening.fileno())

    async def wait_closed(self) -> None:
        """Wait for those that are being taken."""
        if self._connecting:
            await asyncio.wait(self._connecting)

    def accept(self) -> None:
        """Take those that wait."""
        for _ in range(AT_ONCE):
            try:
                connection, _address = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._fail(error.strerror or str(error))
                self._rest()
                return
            if self._most is not None and connection.fileno() >= self._most:
                connection.close()
                self._fail("too many open files")
            else:
                self._take(connection)

    def _take(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        taking = self._loop.create_task(self._loop.connect_accepted_socket(self._connect, connection))
        self._connecting.add(taking)
        taking.add_done_callback(self._taken)

    def _taken(self, taking: "asyncio.Task[object]") -> None:
        self._connecting.discard(taking)
        if not taking.cancelled() and (error := taking.exception()):
            self._fail(str(error))

    def _fail(self, why: str) -> None:
        """Count a connection that could not be had, and say so from time to time."""
        self._traffic.refused_early[ACCEPT] += 1
        if self._now() - self._logged_at >= LOG_SECONDS:
            self._logged_at = self._now()
            log.warning("a connection was refused", reason=why, since_start=self._traffic.refused_early[ACCEPT])

    def _rest(self) -> None:
        """Take nobody for a moment: the system says that there is somebody, and would refuse again at once."""
        self._loop.remove_reader(self._listening.fileno())
        self._pause = self._loop.call_later(PAUSE_SECONDS, self._go_on)

    def _go_on(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listening.fileno(), self.accept)
