"""How an agent calls coordinators: one at a time, the next one when that is silent, registering anew if need be."""

import asyncio
from collections.abc import Sequence
from typing import TypeVar

from dides.model.errors import GoneError, NotFoundError, RefusedError, UnauthorizedError
from dides.protocol.messages import Directive, Heartbeat, InstanceSpec
from simulator.base.random_streams import chance_of
from simulator.world.machines import Machine
from simulator.world.network import Network, NoAnswerError
from simulator.world.requests import Door, Doors

T = TypeVar("T")
REQUEST_SECONDS, QUERY_SECONDS = 4.0, 10.0
LONGEST_REST = 5.0
ADDRESS = "192.0.2.1"


class Caller:
    """The conversation of one agent, from its start to its end."""

    def __init__(self, machine: Machine, network: Network, doors: Doors, coordinators: Sequence[str]) -> None:
        self.machine = machine
        self._network = network
        self._doors = doors
        self._coordinators = coordinators
        seed, *rest = machine.identity
        self.chance = chance_of(seed, *rest, "caller", machine.starts)
        self._place = self.chance.randrange(len(coordinators))
        self._failures = 0

    async def register(self) -> None:
        """Register, until that succeeds. GoneError when the instance was decommissioned."""
        spec = InstanceSpec(name=self.machine.spec.name, ip=ADDRESS, labels=self.machine.spec.labels)
        while True:
            door = self._doors.register(spec, self.machine.disk.credential)
            try:
                credential = await self._ask("register", door, REQUEST_SECONDS)
            except GoneError:
                raise
            except (NoAnswerError, RefusedError) as error:
                await self.rest(error)
            else:
                self.machine.save(credential=credential)
                return

    async def heartbeat(self, heartbeat: Heartbeat) -> Directive | None:
        """Send a heartbeat; None when it was not answered, and how long to wait then has been waited. GoneError."""
        door = self._doors.heartbeat(self.machine.spec.name, self._credential(), heartbeat)
        return await self._talk(_describe(heartbeat), door, REQUEST_SECONDS, double=True)

    async def query(self, generation: int) -> Directive | None:
        """Hold a blocking query; None as for a heartbeat. GoneError."""
        door = self._doors.desired(self.machine.spec.name, self._credential(), generation, QUERY_SECONDS)
        return await self._talk(f"query above {generation}", door, QUERY_SECONDS + REQUEST_SECONDS, double=False)

    async def rest(self, error: Exception) -> None:
        """Wait before the next try."""
        self._failures += 1
        self.machine.note(f"no success: {error}")
        seconds = self.chance.uniform(0.1, min(LONGEST_REST, 0.5 * 2**self._failures))
        await asyncio.sleep(seconds / self.machine.spec.rate)

    def _credential(self) -> str:
        return self.machine.disk.credential or ""

    async def _talk(self, what: str, door: Door[Directive], seconds: float, *, double: bool) -> Directive | None:
        credential = self._credential()
        try:
            return await self._ask(what, door, seconds, double=double)
        except GoneError:
            raise
        except (UnauthorizedError, NotFoundError) as error:
            if credential == self._credential():
                self.machine.save(credential=None)
                await self.rest(error)
                await self.register()
        except (NoAnswerError, RefusedError) as error:
            await self.rest(error)
        return None

    async def _ask(self, what: str, door: Door[T], seconds: float, *, double: bool = False) -> T:
        receiver = self._coordinators[self._place % len(self._coordinators)]
        try:
            answer = await self._network.ask(self.machine.label, receiver, what, door, seconds, double=double)
        except NoAnswerError:
            self._place += 1
            raise
        self._failures = 0
        return answer


def _describe(heartbeat: Heartbeat) -> str:
    said = {name: getattr(heartbeat, name) for name in heartbeat.__struct_fields__}
    words = [f"{name}={value}" for name, value in said.items() if isinstance(value, str | int) and value != ""]
    return f"heartbeat {' '.join(words)}"
