"""The operators of a world: they trigger what was planned, act as scheduled, and repeat what was not answered."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from dides.model.errors import InFlightError, RefusedError, UnavailableError
from simulator.base.scenario import Act, Decommission, PlannedOrder, Relabel
from simulator.world.network import Network, NoAnswerError
from simulator.world.requests import Door, Doors

T = TypeVar("T")
NAME = "operator"
ANSWER_SECONDS = 4.0
TRIES = 4
BETWEEN_TRIES, BETWEEN_STEPS = 3.0, 5.0


class Operators:
    """Whoever has the operator's token. They go from coordinator to coordinator until one answers."""

    def __init__(self, network: Network, doors: Doors, coordinators: Sequence[str]) -> None:
        self.stopped: Callable[[], Sequence[int]] = tuple
        """Gives the deployments from which convergence has stopped, as `status` shows them."""
        self._network = network
        self._doors = doors
        self._coordinators = coordinators
        self._place = 0

    async def pursue(self, planned: PlannedOrder, number: int, until: float) -> None:
        """Trigger a deployment as soon as that is possible, with one idempotency key; give up at a moment."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(planned.at)
        while loop.time() < until:
            try:
                await self._ask(f"trigger {number}", self._doors.trigger(planned, f"key-{number}"))
            except (InFlightError, UnavailableError, NoAnswerError):
                await asyncio.sleep(BETWEEN_TRIES)
            except RefusedError:
                return
            else:
                return

    async def act(self, act: Act) -> None:
        """Do something to the deployment in flight, if there is one that it can be done to."""
        await self._try(f"{act.action}", self._doors.act(act.action, rollback=act.rollback, named=act.deployment_id))

    async def decommission(self, what: Decommission) -> None:
        """Take an instance out."""
        await self._try(f"decommission {what.machine}", self._doors.decommission(what.machine, force=what.force))

    async def relabel(self, what: Relabel) -> None:
        """Give an instance other labels."""
        await self._try(f"relabel {what.machine}", self._doors.relabel(what.machine, what.labels))

    async def step_by_hand(self) -> None:
        """Take steps for a coordinator that takes none by itself."""
        while True:
            await asyncio.sleep(BETWEEN_STEPS)
            await self._try("progress", self._doors.act("progress"), tries=1)

    async def play(self, seconds: float) -> None:
        """Now and then resume, promote and let convergence go on, so that nothing waits for an operator for ever."""
        while True:
            await asyncio.sleep(seconds)
            await self._try("promote", self._doors.act("promote"), tries=1)
            await self._try("resume", self._doors.act("resume"), tries=1)
            for source_id in self.stopped():
                await self._try("converge", self._doors.act("converge", named=source_id), tries=1)

    async def _try(self, what: str, door: Door[T], tries: int = TRIES) -> None:
        for _ in range(tries):
            try:
                await self._ask(what, door)
            except (NoAnswerError, UnavailableError):
                await asyncio.sleep(BETWEEN_TRIES)
            except RefusedError:
                return
            else:
                return

    async def _ask(self, what: str, door: Door[T]) -> T:
        receiver = self._coordinators[self._place % len(self._coordinators)]
        try:
            return await self._network.ask(NAME, receiver, what, door, ANSWER_SECONDS, double=False)
        except NoAnswerError:
            self._place += 1
            raise
