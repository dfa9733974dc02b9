"""A herd of real conversations with one coordinator that counts who knocks when, in virtual time.

Everything above the client's `send` is real. The exchange itself is left out because HTTP would take most of the time;
what becomes of an answer there is tested by itself (tests/unit/client).
"""

import asyncio
import gc
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import msgspec
import structlog

from dides.agent.persisted import Memory
from dides.agent.registration import Registration
from dides.agent.report import HEALTHY
from dides.agent.session import Conversation
from dides.agent.settings import AgentSettings
from dides.agent.state import Situation
from dides.agent.statedir import StateDirectory
from dides.client.errors import ClientError, RefusedError, UnreachableError
from dides.client.instance import InstanceClient
from dides.protocol import messages
from dides.protocol.messages import Directive, Problem, Registered
from support.agent_coordinator import describe

T = TypeVar("T")
BIN = 0.1
"""Seconds; what is asked is how many knock within so short a time."""


class LoopClock:
    """The time of the loop that runs."""

    def now(self) -> int:
        """Return the wall time in milliseconds."""
        return round(self.monotonic() * 1000)

    def monotonic(self) -> float:
        """Return the seconds since the loop began."""
        return asyncio.get_running_loop().time()


class Knock(msgspec.Struct, frozen=True):
    """One request of one agent, and what came of it."""

    at: float
    name: str
    method: str
    taken: bool = True
    """False when the coordinator was away, or had too much to do."""
    said: msgspec.Struct | None = None
    """The body."""


class HerdCoordinator:
    """Answers a herd as the wire contract says, and counts. The switches are plain attributes."""

    def __init__(self, interval: float = 10.0) -> None:
        self.interval = interval
        self.generation = 0
        self.away = False
        self.shed: Callable[[], float | None] = lambda: None
        """Asked for each request: the seconds after which to come again, None to take it."""
        self.knocks: list[Knock] = []
        self.known: set[str] = set()
        self._held: dict[str, asyncio.Future[None]] = {}

    def stop(self) -> None:
        """Answer all held queries at once and go, as on SIGTERM."""
        self.away = True
        self.let_go()

    def kill(self) -> None:
        """Go without a word, as on SIGKILL."""
        self.away = True
        self.cut()

    def let_go(self) -> None:
        """Answer all held queries at once. The next ones come to another coordinator, if this one is away or not."""
        self._end(lambda held: held.set_result(None))

    def cut(self, error: ClientError | None = None) -> None:
        """Break off all held queries at once."""
        self._end(lambda held: held.set_exception(error or UnreachableError("connection reset")))

    def _end(self, end: Callable[[asyncio.Future[None]], None]) -> None:
        held, self._held = self._held, {}
        for each in held.values():
            if not each.done():
                end(each)

    def receive(self, name: str, method: str, said: msgspec.Struct | None = None) -> None:
        """Count a request; raises what it comes to when it is not taken."""
        now = asyncio.get_running_loop().time()
        again = None if self.away else self.shed()
        taken = not self.away and again is None
        self.knocks.append(Knock(now, name, method, taken, said))
        if not taken:
            raise UnreachableError("away" if again is None else "too much to do", again)
        if method == "POST":
            self.known.add(name)
        elif name not in self.known:
            raise RefusedError(Problem(type="about:blank", title="A valid credential is needed", status=401))

    async def hold(self, name: str, wait: float) -> None:
        """Hold a query."""
        loop = asyncio.get_running_loop()
        held = self._held[name] = loop.create_future()
        over = loop.call_later(wait, held.set_result, None)
        try:
            await held
        finally:
            over.cancel()

    def directive(self, name: str) -> Directive:
        """Return what a heartbeat or a query is answered with."""
        return Directive(
            name=name,
            desired=None,
            generation=self.generation,
            deployment_id=None,
            update_needed=False,
            heartbeat_interval=self.interval,
        )

    @property
    def listeners(self) -> int:
        """How many queries are held."""
        return len(self._held)


class Line(InstanceClient):
    """The line of one agent to the coordinator."""

    def __init__(self, name: str, coordinator: HerdCoordinator) -> None:
        self.server, self.credential = "http://coordinator.test", None
        self._name, self._coordinator = name, coordinator

    async def send(
        self,
        answer: type[T],
        method: str,
        path: str,
        body: msgspec.Struct | None = None,
        *,
        query: Mapping[str, str | int | float | None] | None = None,
        headers: Mapping[str, str] | None = None,
        patience: float = 0.0,
    ) -> T:
        """Hand one request over."""
        await asyncio.sleep(0)
        self._coordinator.receive(self._name, method, body)
        if query is not None:
            await self._coordinator.hold(self._name, float(query["wait"] or 0))
        answered: Any = self._coordinator.directive(self._name)
        if isinstance(body, messages.Registration):
            answered = Registered(
                instance=describe(body, self._coordinator.generation),
                credential=self._name,
                heartbeat_interval=self._coordinator.interval,
            )
        assert isinstance(answered, answer)
        return answered


class Chance(Random):
    """The randomness of one agent, which a test can take away."""

    share: float | None = None
    """What every draw gives instead: this share of the way from the lower end to the upper one."""

    def uniform(self, a: float, b: float) -> float:
        """Draw a number."""
        return super().uniform(a, b) if self.share is None else a + self.share * (b - a)


class NoDirectory(StateDirectory):
    """Remembers nothing: thousands of directories would be thousands of open files."""

    def __init__(self) -> None:
        self.path = Path("nowhere")

    def save(self, memory: Memory) -> None:
        """Forget it."""


class Speaker:
    """One agent of the herd, healthy and with nothing to apply."""

    def __init__(self, name: str, coordinator: HerdCoordinator, seed: int = 1, longest: float | None = None) -> None:
        settings = AgentSettings(
            server="http://coordinator.test", token="token", name=name, ip="10.0.0.1", state_dir=Path("nowhere")
        )
        self.situation = Situation(Memory(name=name), NoDirectory(), longest)
        self.situation.judge(HEALTHY)
        line = Line(name, coordinator)
        self.chance = Chance(seed)
        registration = Registration(settings, self.situation, line, self.chance)
        self.conversation = Conversation(name, self.situation, line, registration, LoopClock(), self.chance)
        self.task = asyncio.create_task(self.conversation.hold())


def start_herd(coordinator: HerdCoordinator, count: int) -> list[Speaker]:
    """Start so many agents, all at this moment; each has a randomness of its own."""
    return [Speaker(f"web-{number}", coordinator, seed=number) for number in range(count)]


@contextmanager
def undisturbed() -> Iterator[None]:
    """Log nothing, and collect no garbage: with so many agents these two take longer than all else together."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        structlog.configure(**before)


def busiest(knocks: Iterable[Knock], seconds: float = BIN) -> int:
    """Return how many requests came in the busiest of all such spans of time."""
    return max(Counter(int(knock.at / seconds + 1e-9) for knock in knocks).values(), default=0)


def firsts(knocks: Iterable[Knock], since: float) -> dict[str, float]:
    """Return how long each agent took to be taken for the first time."""
    found: dict[str, float] = {}
    for knock in knocks:
        if knock.taken and knock.at >= since:
            found.setdefault(knock.name, knock.at - since)
    return found


def most_often(knocks: Iterable[Knock], seconds: float) -> int:
    """Return how often the most impatient agent knocked within any such span of time."""
    moments: dict[str, list[float]] = {}
    for knock in knocks:
        moments.setdefault(knock.name, []).append(knock.at)
    return max((_crowd(each, seconds) for each in moments.values()), default=0)


def longest_silence(knocks: Iterable[Knock], until: float) -> float:
    """Return the longest time that passed between two reports of one agent that were taken."""
    last: dict[str, float] = {}
    longest = 0.0
    for knock in knocks:
        if knock.taken and knock.method == "PATCH":
            longest = max(longest, knock.at - last.get(knock.name, knock.at))
            last[knock.name] = knock.at
    return max([longest, *(until - at for at in last.values())])


def _crowd(moments: list[float], seconds: float) -> int:
    return max(sum(1 for other in moments if each <= other < each + seconds) for each in moments)
