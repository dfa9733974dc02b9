"""Connections that the system refuses to give: counted, said in the log from time to time, and survived."""

import asyncio
import errno
import os
import re
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from dides.api.connections.acceptor import LOG_SECONDS, Acceptor
from dides.api.connections.early_refusals import ACCEPT
from dides.api.traffic import Traffic
from support.app import PATIENCE, until
from support.processes import Processes


class Line(asyncio.Protocol):
    """Says hello."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(b"hello")
        transport.close()


class Failing:
    """A listening socket; the errors in `errors` come first."""

    def __init__(self, listening: socket.socket, *errors: int) -> None:
        self.errors = list(errors)
        self._listening = listening

    def accept(self) -> tuple[socket.socket, object]:
        if self.errors:
            number = self.errors.pop(0)
            raise OSError(number, os.strerror(number))
        return self._listening.accept()

    def fileno(self) -> int:
        return self._listening.fileno()


class Scene:
    def __init__(self, listening: socket.socket, *errors: int, most_files: int | None = None) -> None:
        self.listening = Failing(listening, *errors)
        self.traffic = Traffic()
        self.now = 0.0
        self.acceptor = Acceptor(self.listening, Line, self.traffic, most_files, lambda: self.now)
        self._address = listening.getsockname()

    async def hello(self) -> bytes:
        """Connect, and return what is said."""
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(*self._address)
            try:
                return await reader.read()
            except ConnectionResetError:
                return b""
            finally:
                writer.close()


@asynccontextmanager
async def scene(*errors: int, most_files: int | None = None) -> AsyncIterator[Scene]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        listening.setblocking(False)
        here = Scene(listening, *errors, most_files=most_files)
        try:
            yield here
        finally:
            here.acceptor.close()
            await here.acceptor.wait_closed()


async def test_connections_are_taken() -> None:
    async with scene(most_files=100_000) as here:
        assert await asyncio.gather(*(here.hello() for _ in range(200))) == [b"hello"] * 200
        assert not here.traffic.refused_early


@pytest.mark.parametrize("error", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EPROTO])
async def test_who_comes_while_the_system_refuses_is_taken_later(error: int) -> None:
    async with scene(error, error) as here:
        with capture_logs() as lines:
            assert await here.hello() == b"hello"
        assert here.traffic.refused_early == {ACCEPT: 2}
        assert [line["reason"] for line in lines] == [os.strerror(error)]
        assert await here.hello() == b"hello"


@pytest.mark.parametrize("error", [errno.EAGAIN, errno.EINTR, errno.ECONNABORTED])
async def test_who_has_gone_again_is_nobodys_fault(error: int) -> None:
    async with scene(error) as here:
        assert await here.hello() == b"hello"
        assert not here.traffic.refused_early


async def test_the_last_open_files_are_left_to_others() -> None:
    async with scene(most_files=8) as here:
        assert await here.hello() == b""
        assert here.traffic.refused_early == {ACCEPT: 1}


async def test_the_log_says_so_from_time_to_time() -> None:
    async with scene(most_files=8) as here:
        with capture_logs() as lines:
            for seconds in (0, 1, LOG_SECONDS):
                here.now += seconds
                await here.hello()
        assert [line["since_start"] for line in lines] == [1, 3]


async def test_one_that_is_closed_while_it_rests_takes_nobody() -> None:
    async with scene(errno.EMFILE) as here:
        _, writer = await asyncio.open_connection(*here.listening._listening.getsockname())
        await until(lambda: here.traffic.refused_early[ACCEPT] == 1)
        here.acceptor.close()
        assert here.acceptor._pause is not None
        assert here.acceptor._pause.cancelled()
        writer.close()


class FewFiles(Processes):
    """Processes that may open few files."""

    async def start(self, name: str, *arguments: str) -> asyncio.subprocess.Process:
        with (self.directory / f"{name}.log").open("ab") as log:
            self._processes[name] = await asyncio.create_subprocess_exec(
                *("sh", "-c", 'ulimit -n 64; exec "$@"', "sh", sys.executable, "-m", "dides", *arguments),
                stdout=log,
                stderr=log,
                env=self.environment(),
                start_new_session=True,
            )
        return self._processes[name]


async def test_a_coordinator_without_open_files_goes_on(tmp_path: Path) -> None:
    processes = FewFiles(tmp_path)
    try:
        await processes.start_coordinator()
        host, port = processes.url.removeprefix("http://").split(":")
        crowd = [socket.create_connection((host, int(port))) for _ in range(100)]
        await until(lambda: "too many open files" in processes.log("coordinator"))
        for connection in crowd:
            connection.close()
        async with processes.http() as http:
            shown = (await http.get("/metrics")).text
        counted = re.search(r'dides_connections_refused_total\{reason="accept"\} (\d+)', shown)
        assert counted
        assert int(counted[1]) > 0
    finally:
        await processes.stop()
