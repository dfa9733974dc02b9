"""A TCP proxy between a store and its server, on a thread of its own, that loses what a test wants lost."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import TypeVar

from support.ports import free_port

T = TypeVar("T")
PATIENCE = 10.0
OPTIONS, STARTUP_VERSION = b"\0options\0", 3
COMMIT, WRITING, READING, LISTENING = b"COMMIT\0", b"READ WRITE", b"READ ONLY", b"LISTEN "
INSTANCES = b"FROM instances"


class Proxy:
    """Passes on what comes to its port of 127.0.0.1. All methods may be called from any thread."""

    def __init__(self, to: int) -> None:
        self.port = free_port()
        self.lost = threading.Event()
        """Set once a commit was lost."""
        self._to = to
        self._trap: Callable[[_Line, bytes], Awaitable[None]] | None = None
        self._look_trap: Callable[[_Line, bytes], Awaitable[None]] | None = None
        self._lines: set[_Line] = set()
        self._closed = False
        self._drops_options = False
        self._loop = asyncio.new_event_loop()
        self._passes = asyncio.Event()
        self._passes.set()
        self._hears = asyncio.Event()
        self._hears.set()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()
        self.open()

    def open(self) -> None:
        """Take connections, on the same port as before."""
        self._call(self._listen())

    def shut(self) -> None:
        """Take no connections, and cut those there are."""
        self._call(self._stop_listening())

    def refuse(self) -> None:
        """Take no connections; those there are stay."""
        self._loop.call_soon_threadsafe(self._server.close)

    def cut(self) -> None:
        """Cut all connections."""
        self._call(self._cut())

    def blackhole(self) -> None:
        """Pass nothing on, either way, and say nothing; connections stay."""
        self._loop.call_soon_threadsafe(self._passes.clear)

    def heal(self) -> None:
        """Pass on again, also what has come meanwhile."""
        self._loop.call_soon_threadsafe(self._passes.set)

    def drop_options(self) -> None:
        """Leave out what clients want to be set from now on, as a pooler does that is told to ignore it."""
        self._drops_options = True

    def deafen(self) -> None:
        """Keep back whoever wants to be notified; everything else is passed on."""
        self._loop.call_soon_threadsafe(self._hears.clear)

    def hear(self) -> None:
        """Pass on those, too."""
        self._loop.call_soon_threadsafe(self._hears.set)

    @property
    def passes(self) -> bool:
        """Tell whether anything is passed on."""
        return self._passes.is_set()

    def lose_commit(self, *, done: bool, shut: bool = False) -> None:
        """Lose the next COMMIT with its connection: with `done` its answer only.

        With `shut` nobody can connect afterwards, until `open`.
        """
        self.lost.clear()

        async def trap(line: _Line, chunk: bytes) -> None:
            self._trap = None
            if done:
                line.swallow = asyncio.Event()
                await line.send(chunk)
                await line.swallow.wait()
            if shut:
                await self._stop_listening()
            line.close()
            self.lost.set()

        self._trap = trap

    def strand_commit(self) -> None:
        """Keep the next COMMIT back, and cut the client off while the server still waits for it."""
        self.lost.clear()

        async def trap(line: _Line, _: bytes) -> None:
            self._trap = None
            line.stranded = True
            line.client.close()
            self.lost.set()

        self._trap = trap

    def lose_look(self) -> None:
        """Cut off whoever wants to be notified once it has read instances; nobody can connect afterwards."""
        self.lost.clear()

        async def trap(line: _Line, _: bytes) -> None:
            self._look_trap = None
            await self._stop_listening()
            self.lost.set()

        self._look_trap = trap

    def close(self) -> None:
        """End all of it."""
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _call(self, what: Coroutine[None, None, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(PATIENCE)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", self.port)

    async def _stop_listening(self) -> None:
        self._server.close()
        await self._cut()

    async def _end(self) -> None:
        await self._stop_listening()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._cut()
        await asyncio.sleep(0)  # Transports are closed by the loop, once it comes to that.

    async def _cut(self) -> None:
        for line in list(self._lines):
            line.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.close()
            return
        line = _Line((reader, writer), upstream)
        self._lines.add(line)
        pumps = [asyncio.create_task(self._up(line)), asyncio.create_task(self._down(line))]
        await asyncio.wait(pumps)
        self._lines.discard(line)
        line.close()

    async def _up(self, line: "_Line") -> None:
        with suppress(OSError):
            while chunk := await line.from_client.read(65536):
                await self._passes.wait()
                if self._drops_options:
                    chunk = without_options(chunk)
                if LISTENING in chunk:
                    line.listens = True
                    await self._hears.wait()
                line.has_read |= line.listens and INSTANCES in chunk
                line.writes = WRITING in chunk or (line.writes and READING not in chunk)
                if self._trap and line.writes and COMMIT in chunk:
                    await self._trap(line, chunk)
                elif self._look_trap and line.has_read and COMMIT in chunk:
                    await self._look_trap(line, chunk)
                else:
                    line.has_read &= COMMIT not in chunk
                    await line.send(chunk)
        if not line.stranded:
            line.server.close()

    async def _down(self, line: "_Line") -> None:
        with suppress(OSError):
            while chunk := await line.from_server.read(65536):
                await self._passes.wait()
                if line.swallow:
                    line.swallow.set()
                    return
                line.client.write(chunk)
                await line.client.drain()
        line.client.close()


class _Line:
    """One connection, and the one behind it."""

    def __init__(
        self,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self.from_client, self.client = client
        self.from_server, self.server = server
        self.swallow: asyncio.Event | None = None
        """To be set by the answer that the client does not get."""
        self.writes = False
        """The transaction that has begun last writes."""
        self.listens = False
        """It wants to be notified."""
        self.has_read = False
        """It listens, and has read instances in the transaction that has begun last."""
        self.stranded = False
        """The server is not to hear that its client is gone."""

    async def send(self, chunk: bytes) -> None:
        self.server.write(chunk)
        await self.server.drain()

    def close(self) -> None:
        self.client.close()
        self.server.close()


def without_options(chunk: bytes) -> bytes:
    """Return the message with which a connection begins without libpq's `options`; any other is not changed."""
    if OPTIONS not in chunk or int.from_bytes(chunk[4:8]) >> 16 != STARTUP_VERSION:
        return chunk
    before, _, after = chunk[4:].partition(OPTIONS)
    rest = before + b"\0" + after.partition(b"\0")[2]
    return (len(rest) + 4).to_bytes(4) + rest
