"""The work of an agent: it checks the instance until it is told something, applies that, and checks again."""

import asyncio

import msgspec
import structlog

from dides.agent.apply import Applier
from dides.agent.decision import Action, Decision, cut_off, decide, ended
from dides.agent.errors import StateDirectoryError
from dides.agent.groups import end_leftover, identify
from dides.agent.health import Checks
from dides.agent.memory import Attempt, Standing
from dides.agent.races import first_of
from dides.agent.report import HEALTHY
from dides.agent.settings import AgentSettings
from dides.agent.situation import Situation
from dides.clock import Clock
from dides.protocol.messages import Directive

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


class Worker:
    """Brings one instance to what it is told, one apply at a time; no check runs meanwhile."""

    def __init__(self, settings: AgentSettings, situation: Situation, clock: Clock) -> None:
        self.applying = False
        self._stopping = False
        self._checked = settings.check is not None
        self._situation = situation
        self._clock = clock
        self._applier = Applier(settings)
        self._checks = Checks(settings, situation, clock)
        self._lower_since: float | None = None
        self._applied_at: float | None = None

    async def work(self) -> None:
        """Work until stopped; return after the apply that was running then."""
        await self._clear_up()
        while not self._stopping:
            await self._apply(await self._next_apply())

    def stop(self, task: asyncio.Task[None]) -> None:
        """Stop the task that runs `work`: at once when no apply runs, otherwise after it has ended."""
        self._stopping = True
        if not self.applying:
            task.cancel()

    async def _clear_up(self) -> None:
        """End what an agent that was killed left running: two applies at once could break the instance."""
        standing = self._situation.standing
        attempt = standing.attempt
        if attempt is not None and attempt.process is not None and await end_leftover(attempt.process):
            log.warning("ended an apply that an earlier agent left running", group=attempt.process.group)
        if (given_up := cut_off(standing)) != standing:
            log.error("the apply was cut off too often", begun=attempt.begun if attempt else 0)
            self._situation.adopt(given_up)

    async def _next_apply(self) -> Standing:
        if self._situation.standing.dirty:
            return await self._decide()
        return await first_of(self._decide(), self._checks.keep_checking(self._applied_at))

    async def _decide(self) -> Standing:
        """Decide about directives until one is to be applied; return the standing to begin that with."""
        while True:
            directive = await self._situation.next_directive()
            decision = self._look(directive)
            if decision.action is Action.CHECK:
                healthy = await self._checks.ask_now()
                directive = self._situation.newer_than(directive)
                decision = self._look(directive, healthy)
            if decision.action is Action.APPLY:
                return decision.standing
            if decision.action is Action.ADOPT:
                log.info("nothing to apply", generation=directive.generation)
                self._situation.adopt(decision.standing)

    def _look(self, directive: Directive, healthy: bool | None = None) -> Decision:
        standing, now = self._situation.standing, self._clock.monotonic()
        decision = decide(standing, directive, now=now, lower_since=self._lower_since, healthy=healthy)
        if decision.lower_since is not None and self._lower_since is None:
            log.warning(
                "ignoring a lower generation for one time to live",
                generation=directive.generation,
                acted_on=standing.generation,
            )
        self._lower_since = decision.lower_since
        return decision

    async def _apply(self, standing: Standing) -> None:
        self.applying = True
        try:
            started = self._clock.monotonic()
            failure = await self._applier.apply(standing, lambda pid: self._begin(standing, pid))
            self._applied_at = self._clock.monotonic()
            self._end(ended(standing, failure), round(self._applied_at - started, 3))
        finally:
            self.applying = False

    async def _begin(self, standing: Standing, pid: int) -> None:
        """Write down that an apply begins, and which process it is; the command is held back until then."""
        attempt = standing.attempt
        assert attempt is not None
        log.info("applying", generation=standing.generation, **_versions(attempt))
        process = await identify(pid)
        marked = msgspec.structs.replace(standing, attempt=msgspec.structs.replace(attempt, process=process))
        self._situation.stand(marked, None)

    def _end(self, standing: Standing, seconds: float) -> None:
        if standing.attempt is not None:
            log.error("the apply failed", message=standing.attempt.failure, seconds=seconds)
        else:
            log.info("applied", generation=standing.generation, seconds=seconds)
        try:
            self._situation.stand(standing, None if self._checked else HEALTHY)
        except StateDirectoryError as error:
            log.warning("cannot write down how the apply ended; it starts over after a restart", error=str(error))


def _versions(attempt: Attempt) -> dict[str, str | None]:
    return {
        "code_version": attempt.target.code_version,
        "configuration_version": attempt.target.configuration_version,
    }
