"""An instance without a machine: it says what an agent would, to whichever coordinator answers."""

import asyncio
from collections.abc import Sequence

from msgspec import UNSET

from dides.client.instance import InstanceClient
from dides.model.state import Status
from dides.protocol.messages import Directive, Heartbeat, InstanceSpec
from support.coordinators import Balanced

WAIT = 1.0


class Gauge:
    """How many apply at once."""

    def __init__(self) -> None:
        self.now = self.most = 0

    async def apply(self, seconds: float) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(seconds)  # This is what an apply does.
        self.now -= 1


class RawInstance:
    """One instance. What it has been answered with 2xx is in `acknowledged`: the version that it reported last."""

    def __init__(self, name: str, urls: Sequence[str], first: int, seconds: float, gauge: Gauge) -> None:
        """`first` is the number of the coordinator that it asks first; an apply takes so many seconds."""
        self.name = name
        self.acknowledged: str | None = None
        self._seconds = seconds
        self._gauge = gauge
        self._clients = [InstanceClient(url) for url in urls]
        self._balanced = Balanced(self._clients, first)
        self._generation = 0

    async def register(self, token: str) -> None:
        """Register, and report HEALTHY at version 0."""
        spec = InstanceSpec(name=self.name, ip="192.0.2.1", labels={"env": "test"})
        registered = await self._balanced.ask(lambda client: client.register(spec, token))
        for client in self._clients:
            client.credential = registered.credential
        await self._report(Status.HEALTHY, "0")

    async def run(self) -> None:
        """Wait to be told something, and do it, until cancelled."""
        while True:
            directive = await self._balanced.ask(self._wait, WAIT)
            if directive.generation > self._generation and directive.desired is not None:
                self._generation = directive.generation
                await self._apply(directive.desired.code_version or "")
            else:
                await self._report(Status.HEALTHY, self.acknowledged or "")

    async def close(self) -> None:
        """Close the connections."""
        await asyncio.gather(*(client.close() for client in self._clients))

    async def _wait(self, client: InstanceClient) -> Directive:
        return await client.desired(self.name, self._generation, WAIT)

    async def _apply(self, version: str) -> None:
        await self._report(Status.DEGRADED, self.acknowledged or "")
        await self._gauge.apply(self._seconds)
        await self._report(Status.HEALTHY, version)

    async def _report(self, status: Status, version: str) -> None:
        said = Heartbeat(status=status, code_version=version, observed=self._generation or UNSET)
        await self._balanced.ask(lambda client: client.heartbeat(self.name, said))
        self.acknowledged = version
