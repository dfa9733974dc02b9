"""Agents, simulated: real HTTP over connections of their own, an apply that is only a wait."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from heapq import heapify, heappop, heappush
from itertools import pairwise
from time import perf_counter

import msgspec

from dides.protocol.messages import Directive
from load.fleet import HEALTHY, VERSION, Fleet
from load.line import Line
from load.tally import SHED, LoadError
from load.wire import body_of, status_of

DEGRADED = 2
RETRY_SECONDS = 1.0
"""What an agent waits when it is turned away; no Retry-After is shorter."""


class Turn(msgspec.Struct, frozen=True):
    """One instance's share of a rollout, by this process's clock."""

    number: int
    woken_at: float
    """When its blocking query was answered with something new."""
    applied_for: float
    sent_at: float
    """When it sent that it is HEALTHY."""
    answered_at: float


class Agents:
    """So many agents: the first ones of a fleet."""

    def __init__(self, url: str, fleet: Fleet, size: int, apply: Callable[[int], float]) -> None:
        """`apply` says how many seconds the apply of an instance lasts; 0: it reports only that it is done."""
        self._url = url
        self._fleet = fleet
        self._size = size
        self._apply = apply
        self._turns: list[Turn] = []
        self._listening = 0
        self.turned_away = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run them for as long as the block lasts; it begins when all of them listen."""
        tasks = [asyncio.create_task(self._live(number)) for number in range(self._size)]
        try:
            while self._listening < self._size:
                await asyncio.sleep(0.01)
                _raise_first(tasks)
            await asyncio.sleep(0.1)  # what was sent last arrives
            yield
            _raise_first(tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def turns(self) -> list[Turn]:
        """Return the turns since the last call, in the order in which they began."""
        turns, self._turns = self._turns, []
        return sorted(turns, key=lambda turn: turn.woken_at)

    async def _live(self, number: int) -> None:
        listening, reporting = Line(self._url), Line(self._url)
        current, generation = VERSION, 0
        generation = (await self._ask(listening, self._fleet.query(number, 0, wait=0))).generation
        self._listening += 1
        try:
            while True:
                directive = await self._ask(listening, self._fleet.query(number, generation))
                if directive.generation > generation:
                    generation = directive.generation
                    current = await self._take(number, current, directive, reporting)
        finally:
            listening.close()
            reporting.close()

    async def _take(self, number: int, current: str, directive: Directive, line: Line) -> str:
        woken_at = perf_counter()
        assert directive.desired
        wanted = directive.desired.code_version or current
        if seconds := self._apply(number):
            await self._ask(line, self._fleet.heartbeat(number, current, DEGRADED, directive.generation))
        begun = perf_counter()
        if seconds:
            await asyncio.sleep(seconds)
        sent_at = perf_counter()
        await self._ask(line, self._fleet.heartbeat(number, wanted, HEALTHY, directive.generation))
        self._turns.append(Turn(number, woken_at, sent_at - begun, sent_at, perf_counter()))
        return wanted

    async def _ask(self, line: Line, request: bytes) -> Directive:
        """Ask until answered; LoadError for anything but an answer or a request to come again."""
        while True:
            with suppress(OSError):  # the server closed the connection
                answer = await line.ask(request)
                status = status_of(answer)
                if status == 200:
                    return msgspec.json.decode(body_of(answer), type=Directive)
                if status not in SHED:
                    raise LoadError(answer.decode("utf-8", "replace"))
            self.turned_away += 1
            await asyncio.sleep(RETRY_SECONDS)


def list_schedule(durations: list[float], window: int) -> float:
    """Return how long these take when the next begins at the very moment at which one of `window` places is free."""
    free = durations[:window]
    heapify(free)
    for duration in durations[window:]:
        heappush(free, heappop(free) + duration)
    return max(free)


def shortest(durations: list[float], window: int) -> float:
    """Return what no schedule can beat: the sum shared evenly, and the longest one."""
    return max(sum(durations) / window, *durations)


def _raise_first(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        if task.done() and not task.cancelled() and (error := task.exception()):
            raise error


def reactions(turns: list[Turn]) -> Iterator[tuple[float, float]]:
    """Yield the seconds from each turn's end to the beginning of the next: from its sending, and from its answer."""
    for one, other in pairwise(turns):
        yield other.woken_at - one.sent_at, other.woken_at - one.answered_at
