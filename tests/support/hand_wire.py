"""One end of a connection in a test's hand: what came, when, and what was said to it. No socket, and no time passes."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from support.app import PATIENCE, until

SEGMENT = 64 * 1024


class HandTimer:
    """A call that is due later."""

    def __init__(self, at: float, call: Callable[[], object]) -> None:
        self.at = at
        self.call = call
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class HandLoop:
    """An event loop whose time stands still until a test lets it pass; tasks run on the real one."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[HandTimer] = []

    def time(self) -> float:
        return self.now

    def call_later(self, seconds: float, call: Callable[..., object], *arguments: object) -> HandTimer:
        self.timers.append(HandTimer(self.now + seconds, lambda: call(*arguments)))
        return self.timers[-1]

    def create_task(self, work: Any) -> "asyncio.Task[Any]":
        return asyncio.get_running_loop().create_task(work)

    @property
    def waiting(self) -> list[HandTimer]:
        """The timers that still run."""
        return [timer for timer in self.timers if not timer.cancelled]

    def advance(self, seconds: float) -> None:
        """Let time pass, and call what is due, in order."""
        until_time = self.now + seconds
        while due := [timer for timer in self.waiting if timer.at <= until_time]:
            first = min(due, key=lambda timer: timer.at)
            self.timers.remove(first)
            self.now = first.at
            first.call()
        self.now = until_time


class HandTransport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.said = b""
        self.unread = 0
        self.is_reading_now = True
        self.ended = self.closed = self.aborted = False
        self._changed = asyncio.Event()

    async def wait(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition, and look at it only when something was written, or is to be read."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def write(self, data: Any) -> None:
        self.said += data
        self._changed.set()

    def get_write_buffer_size(self) -> int:
        return self.unread

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def pause_reading(self) -> None:
        self.is_reading_now = False

    def resume_reading(self) -> None:
        self.is_reading_now = True
        self._changed.set()

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True


class HandWire:
    """A connection."""

    def __init__(self, app: Any, connection: type[HttpToolsProtocol]) -> None:
        config = uvicorn.Config(
            app,
            http=connection,
            lifespan="off",
            log_config=None,
            ws="none",
            proxy_headers=False,
            timeout_keep_alive=75,
        )
        config.load()
        self.loop = HandLoop()
        self.transport = HandTransport()
        self.state = ServerState()
        anything: Any = self.loop
        self.served: Any = connection(config, self.state, {}, _loop=anything)
        self.served.connection_made(self.transport)

    def send(self, data: bytes) -> None:
        """Let bytes come, in one segment."""
        self.served.data_received(data)

    async def send_all(self, data: bytes) -> None:
        """Let bytes come as a socket would have them, for as long as they are read."""
        for start in range(0, len(data), SEGMENT):
            await self.transport.wait(lambda: self.transport.is_reading_now)
            if self.leaving:
                return
            self.send(data[start : start + SEGMENT])

    def hang_up(self, error: Exception | None = None) -> None:
        """Let the other end go away."""
        self.served.connection_lost(error)

    async def answered(self, count: int = 1) -> list[int]:
        """Wait until so many answers were given, and return their statuses."""
        await until(lambda: len(self.statuses) >= count)
        return self.statuses

    @property
    def statuses(self) -> list[int]:
        """The statuses of what was answered."""
        return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", self.transport.said)]

    @property
    def leaving(self) -> bool:
        """Whether the end was said, or the connection closed."""
        return self.transport.ended or self.transport.closed


class Echo:
    """An application that answers with the body that it was sent, or, of /early, before it."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.torn = 0
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.seen.append(scope)
        body = b""
        await self.go.wait()
        while scope["path"] != "/early":
            message = await receive()
            if message["type"] == "http.disconnect":
                self.torn += 1
                return
            body += message["body"]
            if not message["more_body"]:
                break
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body, "more_body": False})
