"""Several coordinators as real processes on one PostgreSQL server, each behind a proxy of its own."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Generic, TypeVar

from dides.client.errors import UnreachableError
from dides.client.transport import Transport
from dides.runtime.datadir import OPERATOR_FILE, REGISTRATION_FILE
from support.postgres_server import PostgresServer
from support.processes import PATIENCE, Processes
from support.proxy import Proxy

T = TypeVar("T")
C = TypeVar("C", bound=Transport)
ANSWER = 3.0
"""Seconds after which somebody else is asked."""


class Coordinators:
    """Three of them, by number, with the same tokens."""

    def __init__(self, directory: Path, *options: str, number: int = 3, servers: Sequence[PostgresServer] = ()) -> None:
        """With several servers each coordinator knows them all, and none is behind a proxy."""
        self.servers = servers or (PostgresServer(),)
        self.server = self.servers[0]
        self.proxies = [Proxy(self.server.port) for _ in range(number if len(self.servers) == 1 else 0)]
        self.all = [Processes(directory / f"coordinator-{each}") for each in range(number)]
        self._options = options
        for each in self.all:
            each.data.path.mkdir(parents=True)
            for file in (OPERATOR_FILE, REGISTRATION_FILE):
                token = each.data.path / file
                token.touch(mode=0o600)
                token.write_text(f"the-{file}-of-all\n")

    async def start(self, number: int) -> None:
        """Start one, or start it again where it was."""
        await self.all[number].start_coordinator("--database", self._database(number), *self._options)

    async def kill(self, number: int) -> None:
        """Kill one."""
        await self.all[number].kill("coordinator")

    def send(self, number: int, what: signal.Signals) -> None:
        """Send a signal to one: SIGSTOP and SIGCONT."""
        os.kill(self.all[number].process("coordinator").pid, what)

    @property
    def urls(self) -> list[str]:
        """Where they listen."""
        return [each.url for each in self.all]

    def token(self, file: str) -> str:
        """Return one of the tokens."""
        return self.all[0].data.token(file)

    async def stop(self) -> None:
        """End all of it."""
        await asyncio.gather(*(each.stop() for each in self.all))
        for proxy in self.proxies:
            proxy.close()
        for server in self.servers:
            server.remove()

    def _database(self, number: int) -> str:
        if self.proxies:
            return self.server.url(port=self.proxies[number].port)
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in self.servers)
        return f"postgresql://postgres@{hosts}/postgres"


class Balanced(Generic[C]):
    """Asks one of several coordinators, and the next one when that gives no answer: a load balancer in small."""

    def __init__(self, clients: Sequence[C], first: int = 0) -> None:
        self._clients = clients
        self._next = first

    async def ask(self, what: Callable[[C], Awaitable[T]], wait: float = 0.0) -> T:
        """Ask until there is an answer; RefusedError is one. It may take `wait` seconds."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    async with asyncio.timeout(ANSWER + wait):
                        return await what(self._clients[self._next % len(self._clients)])
                except (UnreachableError, TimeoutError):
                    self._next += 1
                    await asyncio.sleep(0.1)


@asynccontextmanager
async def coordinators(
    directory: Path, *options: str, servers: Sequence[PostgresServer] = ()
) -> AsyncIterator[Coordinators]:
    """Run three for as long as the block lasts."""
    several = Coordinators(directory, *options, servers=servers)
    try:
        await asyncio.gather(*(several.start(number) for number in range(len(several.all))))
        yield several
    finally:
        await several.stop()
