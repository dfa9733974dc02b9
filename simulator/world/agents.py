"""The agents of simulated machines. The decisions and reports of the honest ones are those of the real agent."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random
from typing import Any, Never

import msgspec
from msgspec import UNSET

from dides.agent.decision import Action, Decision, decide, ended
from dides.agent.persisted import Standing
from dides.agent.report import HEALTHY, Verdict, compose
from dides.model.errors import GoneError
from dides.model.state import State, Status
from dides.protocol.messages import Directive, Heartbeat
from simulator.base.scenario import Character
from simulator.world.callers import Caller

JITTER = 0.1
RECHECK_SECONDS = 1.0
"""How soon one that is not HEALTHY is checked again."""


class Agent:
    """An honest agent: what it decides and reports is decided and composed by dides.agent."""

    def __init__(self, caller: Caller, interval: float) -> None:
        self.caller = caller
        self.machine = caller.machine
        self._interval = interval
        self._seen = self.machine.disk.standing.generation or 0
        self._checked: Verdict | None = None
        self._directive: Directive | None = None
        self._directed = asyncio.Event()
        self._changed = asyncio.Event()
        self._lower_since: float | None = None
        self._session = f"{self.machine.label}/{self.machine.starts}"
        self._sequence = 0
        self._open: Heartbeat | None = None
        """What was sent last, unless it was answered."""

    async def run(self) -> None:
        """Register, then report, listen and work for as long as the machine lets it."""
        try:
            await self.caller.register()
            self.machine.spawn(self._until_gone(self._listen))
            self.machine.spawn(self._until_gone(self._work))
            self.machine.spawn(self._keep_checking())
            await self._report()
        except GoneError:
            self.machine.die("decommissioned")

    async def _until_gone(self, work: Callable[[], Awaitable[Never]]) -> None:
        try:
            await work()
        except GoneError:
            self.machine.die("decommissioned")

    async def _report(self) -> Never:
        while True:
            self._changed.clear()
            if directive := await self.caller.heartbeat(self._sign(self.compose())):
                self._open = None
                self._hear(directive)
                seconds = self._interval * self.caller.chance.uniform(1 - JITTER, 1 + JITTER)
                await wait_for(self._changed, seconds / self.machine.spec.rate)

    def _sign(self, heartbeat: Heartbeat) -> Heartbeat:
        """Return a report with a number; one that was not answered keeps its own."""
        if heartbeat != self._open:
            self._sequence += 1
            self._open = heartbeat
        return msgspec.structs.replace(heartbeat, session=self._session, sequence=self._sequence)

    async def _keep_checking(self) -> Never:
        while True:
            self._check()
            restless = self._checked != HEALTHY or self.machine.spec.character is Character.FLAPPING
            await asyncio.sleep(RECHECK_SECONDS if restless else self._interval / self.machine.spec.rate)

    async def _listen(self) -> Never:
        while True:
            if directive := await self.caller.query(self._seen):
                self._hear(directive)

    async def _work(self) -> Never:
        while True:
            await self._directed.wait()
            self._directed.clear()
            assert self._directive is not None
            decision = self._decide(self._directive)
            if decision.action is Action.APPLY:
                await self._apply(decision.standing)
            elif decision.action is Action.ADOPT:
                self._stand(decision.standing, self._checked)

    def _decide(self, directive: Directive) -> Decision:
        standing, now = self._standing, self.machine.now()
        decision = decide(standing, directive, now=now, lower_since=self._lower_since)
        if decision.action is Action.CHECK:
            self._check()
            healthy = self._checked == HEALTHY
            decision = decide(standing, directive, now=now, lower_since=self._lower_since, healthy=healthy)
        self._lower_since = decision.lower_since
        return decision

    async def _apply(self, standing: Standing) -> None:
        assert standing.attempt is not None
        target = standing.attempt.target
        self.machine.note(f"applies {_text(target)} for generation {standing.generation}")
        self._stand(standing, None)
        self.begin()
        await asyncio.sleep(self.apply_seconds())
        failure = self.finish(target)
        self.machine.note(f"{'failed to apply' if failure else 'has applied'} {_text(target)}")
        self._stand(ended(standing, failure), None)
        self._check()

    def compose(self) -> Heartbeat:
        """Return what to report."""
        return compose(self._standing, self._checked)

    def apply_seconds(self) -> float:
        """Return how long an apply takes."""
        return self.machine.apply_seconds()

    def begin(self) -> None:
        """Really begin an apply."""
        self.machine.begin_apply()

    def finish(self, target: State) -> str | None:
        """Really bring the machine to a state; return why that failed."""
        return self.machine.finish_apply(target)

    @property
    def _standing(self) -> Standing:
        return self.machine.disk.standing

    def _hear(self, directive: Directive) -> None:
        if not self.machine.survives(directive.desired):
            self.machine.die("told a version that kills it")
        self._seen, self._directive = directive.generation, directive
        self._directed.set()

    def _stand(self, standing: Standing, checked: Verdict | None) -> None:
        before = self.compose()
        self.machine.save(standing=standing)
        self._checked = checked
        if self.compose() != before:
            self._changed.set()

    def _check(self) -> None:
        if not self._standing.dirty:
            self._stand(self._standing, self.machine.check())


class Boaster(Agent):
    """Applies nothing, and says that it has."""

    def apply_seconds(self) -> float:
        """Take no time at all."""
        return 0.0

    def begin(self) -> None:
        """Do nothing."""

    def finish(self, target: State) -> str | None:
        """Do nothing."""
        return None

    def _check(self) -> None:
        self._checked = Verdict(Status.HEALTHY)


class Forger(Agent):
    """Acts on one generation and names another."""

    def compose(self) -> Heartbeat:
        """Return a report that looks true but for the generation."""
        true = super().compose()
        if true.observed is UNSET:
            return true
        return msgspec.structs.replace(true, observed=max(0, true.observed + self._lie()))

    def _lie(self) -> int:
        generation = self._standing.generation or 0
        return (-1, 0, 1, 5)[(generation * 7 + int(self.machine.loop.time() / 5)) % 4]


class PlainClient:
    """A client as in the first documents: heartbeats with a part of the fields, never `observed`, no query."""

    def __init__(self, caller: Caller, interval: float) -> None:
        self.caller = caller
        self.machine = caller.machine
        self._interval = interval
        self._applying = False
        self._failed: int | None = None
        """The generation whose apply failed."""
        self._has = self.machine.disk.standing.applied
        """What it believes to run, which is what it has written down."""

    async def run(self) -> None:
        """Register, then send heartbeats and do what their answers say."""
        try:
            await self.caller.register()
            while True:
                if directive := await self.caller.heartbeat(self.compose(self.caller.chance)):
                    self.hear(directive)
                    await asyncio.sleep(self._interval / self.machine.spec.rate)
        except GoneError:
            self.machine.die("decommissioned")

    def compose(self, chance: Random) -> Heartbeat:
        """Return a report of some of what there is to say."""
        status = Status.FAILED if self._failed is not None else self.machine.check().status
        fields: dict[str, Any] = {}
        if chance.random() < 0.8:
            fields["status"] = Status.DEGRADED if self._applying and chance.random() < 0.5 else status
        if chance.random() < 0.8:
            fields["code_version"] = self._has.code_version
            fields["configuration_version"] = self._has.configuration_version
        return Heartbeat(**fields)

    def hear(self, directive: Directive) -> None:
        """Begin what an answer asks for."""
        if not self.machine.survives(directive.desired):
            self.machine.die("told a version that kills it")
        if self._failed is not None and self._failed != directive.generation:
            self._failed = None
        if directive.desired is None or self._applying or self._failed is not None:
            return
        if not self.machine.runs.meets(directive.desired):
            self._applying = True
            self.machine.spawn(self._apply(directive.desired.over(self._has), directive.generation))

    async def _apply(self, target: State, generation: int) -> None:
        self.machine.note(f"applies {_text(target)}")
        self.machine.begin_apply()
        await asyncio.sleep(self.machine.apply_seconds())
        if self.machine.finish_apply(target):
            self._failed = generation
        else:
            self._has = target
            self.machine.save(standing=Standing(applied=target))
        self.machine.note(f"has ended its apply of {_text(target)}")
        self._applying = False


class Fabulist(PlainClient):
    """Says whatever comes to its mind, and does nothing."""

    def compose(self, chance: Random) -> Heartbeat:
        """Return nonsense that a coordinator has to accept."""
        fields: dict[str, Any] = {}
        if chance.random() < 0.7:
            fields["status"] = Status(chance.randrange(4))
        if chance.random() < 0.7:
            fields["code_version"] = chance.choice((None, "0", "1", "2", "99"))
            fields["configuration_version"] = chance.choice((None, "c0", "c1", "c2"))
        if chance.random() < 0.5:
            fields["observed"] = chance.randrange(8)
        return Heartbeat(**fields)

    def hear(self, directive: Directive) -> None:
        """Ignore it."""


AGENTS: dict[Character, type[Agent] | type[PlainClient]] = {
    Character.HONEST: Agent,
    Character.FLAPPING: Agent,
    Character.FIRST_DOCUMENT: PlainClient,
    Character.BOASTER: Boaster,
    Character.FABULIST: Fabulist,
    Character.FORGER: Forger,
}


async def wait_for(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, or until the time is over."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _text(state: State) -> str:
    return f"{state.code_version}/{state.configuration_version}"
