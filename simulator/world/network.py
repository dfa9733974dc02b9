"""The network between instances, operators and coordinators: it delays, loses, doubles and reorders, and it parts.

What happens to a message depends on the seed, its sender and its number among that sender's messages, and on the
weather and the partitions at the time; on nothing else.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeVar

import msgspec

from dides.coordinator.coordinator import Coordinator
from dides.model.errors import RefusedError
from simulator.base.loop import VirtualLoop
from simulator.base.random_streams import draws_of
from simulator.base.scenario import Weather
from simulator.base.trace import Trace
from simulator.world.processes import CoordinatorProcess

T = TypeVar("T")
Call = Callable[[Coordinator], Awaitable[T]]
REFUSED_AFTER = 0.01


class NoAnswerError(Exception):
    """No answer came in time; nobody knows whether the request was carried out."""


class Partition(msgspec.Struct, frozen=True):
    """Nothing gets through from one group to the other."""

    senders: frozenset[str]
    receivers: frozenset[str]


class Network:
    """Carries requests and answers."""

    def __init__(
        self, seed: int, loop: VirtualLoop, processes: Mapping[str, CoordinatorProcess], weather: Weather, trace: Trace
    ) -> None:
        self.weather = weather
        self.partitions: list[Partition] = []
        self._seed = seed
        self._loop = loop
        self._processes = processes
        self._trace = trace
        self._sent: dict[str, int] = {}

    async def ask(self, sender: str, receiver: str, what: str, call: Call[T], seconds: float, *, double: bool) -> T:
        """Send a request and return its answer.

        Raises NoAnswerError after so many seconds, or at once when nobody listens; RefusedError as it was answered.
        `double`: this request may arrive twice.
        """
        number = self._sent[sender] = self._sent.get(sender, 0) + 1
        answered: asyncio.Future[T] = self._loop.create_future()
        lost, there, twice, second, *back = draws_of(self._seed, "message", sender, number)
        self._trace.note(sender, f"-> {receiver}: {what}")
        exchange = _Exchange(self, sender, receiver, call, answered, (back[0], back[1], back[2]))
        if lost >= self.weather.loss:
            self._loop.call_later(self._delay(there), exchange.arrive)
            if double and twice < self.weather.doubling:
                self._loop.call_later(self._delay(there) + 3 * self._delay(second), exchange.arrive)
        waiting = self._loop.call_later(seconds, _give_up, answered)
        try:
            return await answered
        finally:
            waiting.cancel()

    def passes(self, sender: str, receiver: str) -> bool:
        """Tell whether no partition is between the two."""
        return not any(sender in each.senders and receiver in each.receivers for each in self.partitions)

    def process(self, name: str) -> CoordinatorProcess:
        """Return a coordinator."""
        return self._processes[name]

    def lost(self, draw: float) -> bool:
        """Tell whether a message is lost."""
        return draw < self.weather.loss

    def spawn(self, process: CoordinatorProcess, work: Coroutine[Any, Any, None]) -> None:
        """Let a coordinator do something."""
        process.owner.spawn(self._loop, work)

    def later(self, draws: tuple[float, float, float], callback: Callable[[], None]) -> None:
        """Do something once a message has arrived."""
        self._loop.call_later(self._delay(draws[1]), callback)

    def _delay(self, draw: float) -> float:
        # The highest thirtieth of the draws makes the seldom, long delays.
        if draw < 29 / 30:
            return 0.001 + self.weather.delay * draw
        return self.weather.seldom * (draw * 30 - 29)


class _Exchange:
    """One request and its answer."""

    def __init__(
        self,
        network: Network,
        sender: str,
        receiver: str,
        call: Call[T],
        answered: "asyncio.Future[T]",
        back: tuple[float, float, float],
    ) -> None:
        self._network = network
        self._sender = sender
        self._receiver = receiver
        self._call: Call[object] = call
        self._answered: asyncio.Future[object] = answered  # type: ignore[assignment] # this class only hands it on
        self._back = back

    def arrive(self) -> None:
        """Let the receiver have the request."""
        if not self._network.passes(self._sender, self._receiver):
            return
        process = self._network.process(self._receiver)
        if process.coordinator is None:
            self._answer(lambda: _fail(self._answered, NoAnswerError("connection refused")))
        else:
            self._network.spawn(process, self._handle(process.coordinator))

    async def _handle(self, coordinator: Coordinator) -> None:
        try:
            result = await self._call(coordinator)
        except RefusedError as error:
            refused = error
            self._answer(lambda: _fail(self._answered, refused))
        else:
            self._answer(lambda: _succeed(self._answered, result))

    def _answer(self, settle: Callable[[], None]) -> None:
        if self._network.passes(self._receiver, self._sender) and not self._network.lost(self._back[0]):
            self._network.later(self._back, settle)


def _succeed(answered: "asyncio.Future[T]", result: T) -> None:
    if not answered.done():
        answered.set_result(result)


def _fail(answered: "asyncio.Future[T]", error: Exception) -> None:
    if not answered.done():
        answered.set_exception(error)


def _give_up(answered: "asyncio.Future[T]") -> None:
    _fail(answered, NoAnswerError("no answer in time"))
