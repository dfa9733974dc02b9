"""Instances without machines that a test drives by hand: each applies when it is let to, and as the test has said."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from msgspec import UNSET

from dides.client.instance import InstanceClient
from dides.model.state import Status
from dides.protocol.messages import Directive, Heartbeat, InstanceSpec
from dides.runtime.datadir import REGISTRATION_FILE
from support.coordinators import Balanced
from support.processes import Processes

WAIT = 5.0
"""Seconds for which an instance waits to be told something before it says that it is alive."""
ALL = 10_000


class Crew:
    """All of them."""

    def __init__(self, processes: Processes) -> None:
        self.applying: set[str] = set()
        """The names of those that have begun to apply, and wait to be let."""
        self.failing: dict[str, str] = {}
        """By name, the message with which an instance fails at whatever it applies next."""
        self._processes = processes
        self._turns = asyncio.Semaphore(0)
        self._members: list[Member] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def join(
        self, name: str, version: str = "1.0.0", *, labels: Mapping[str, str], ip: str = "192.0.2.1"
    ) -> None:
        """Have an instance register, and report HEALTHY at a version."""
        member = Member(self, name, InstanceClient(self._processes.url))
        spec = InstanceSpec(name=name, ip=ip, labels=dict(labels))
        await member.join(spec, self._processes.data.token(REGISTRATION_FILE), version)
        self._members.append(member)
        self._tasks.append(asyncio.create_task(member.run()))

    def let(self, number: int = ALL) -> None:
        """Let so many instances finish what they apply, those that have begun first; by default all, from now on."""
        for _ in range(number):
            self._turns.release()

    async def turn(self, name: str, meanwhile: Callable[[], Awaitable[object]]) -> str | None:
        """Wait until an instance may finish; return the message with which it is to fail, or None."""
        self.applying.add(name)
        turn = asyncio.ensure_future(self._turns.acquire())
        try:
            while not (await asyncio.wait({turn}, timeout=WAIT))[0]:
                await meanwhile()
        finally:
            turn.cancel()
            self.applying.discard(name)
        return self.failing.get(name)

    async def leave(self) -> None:
        """Fall silent."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(each.close() for each in self._members))


class Member:
    """One instance."""

    def __init__(self, crew: Crew, name: str, client: InstanceClient) -> None:
        self._crew = crew
        self._name = name
        self._client = client
        self._balanced = Balanced([client])
        self._generation = 0
        self._version = ""

    async def join(self, spec: InstanceSpec, token: str, version: str) -> None:
        """Register and report HEALTHY."""
        await self._client.register(spec, token)
        await self._report(Status.HEALTHY, version)

    async def run(self) -> None:
        """Wait to be told something, and do it, until cancelled."""
        while True:
            directive = await self._balanced.ask(self._wait, WAIT)
            if directive.generation > self._generation and directive.desired is not None:
                self._generation = directive.generation
                await self._apply(directive.desired.code_version or "")
            else:
                await self._say_alive()

    async def close(self) -> None:
        """Close the connection."""
        await self._client.close()

    async def _wait(self, client: InstanceClient) -> Directive:
        return await client.desired(self._name, self._generation, WAIT)

    async def _apply(self, version: str) -> None:
        await self._report(Status.DEGRADED, self._version, f"applying {version}")
        message = await self._crew.turn(self._name, self._say_alive)
        if message is None or version == self._version:
            await self._report(Status.HEALTHY, version)
        else:
            del self._crew.failing[self._name]
            await self._report(Status.FAILED, version, message)

    async def _say_alive(self) -> None:
        await self._balanced.ask(lambda client: client.heartbeat(self._name, Heartbeat()))

    async def _report(self, status: Status, version: str, message: str = "") -> None:
        said = Heartbeat(status=status, code_version=version, observed=self._generation or UNSET, message=message)
        await self._balanced.ask(lambda client: client.heartbeat(self._name, said))
        self._version = version


@asynccontextmanager
async def crew(processes: Processes) -> AsyncIterator[Crew]:
    """Give instances that fall silent when the block is over."""
    all_of_them = Crew(processes)
    try:
        yield all_of_them
    finally:
        await all_of_them.leave()


@asynccontextmanager
async def crew_of(processes: Processes, number: int, *, version: str = "1.0.0") -> AsyncIterator[Crew]:
    """Have web-01, web-02, ... join, labelled env=prod and zone=a or zone=b, for as long as the block lasts."""
    async with crew(processes) as all_of_them:
        for each in range(1, number + 1):
            labels = {"env": "prod", "zone": "ab"[each % 2]}
            await all_of_them.join(f"web-{each:02}", version, labels=labels, ip=f"192.0.2.{each}")
        yield all_of_them
