"""The work of an agent: it checks the instance until it is assigned something, applies that, and checks again."""

from collections.abc import Awaitable

import structlog

from dides.agent.decision import CUT_OFF, Action, Decision, cut_off, decide, ended
from dides.agent.errors import StateDirectoryError
from dides.agent.first_completed import first_of
from dides.agent.persisted import Attempt, Standing
from dides.agent.process.apply import LONGEST_MESSAGE, Applier, CutOffError
from dides.agent.process.health import Checks
from dides.agent.process.output import shorten
from dides.agent.report import HEALTHY
from dides.agent.settings import AgentSettings
from dides.agent.state import Situation
from dides.protocol.messages import Directive
from dides.runtime.clock import Clock

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


class Worker:
    """Brings one instance to what it is assigned, one apply at a time; no check runs meanwhile."""

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
        await self._take_up()
        while not self._stopping:
            await self._apply(await self._next_apply())

    def stop(self) -> None:
        """Let `work` return after the apply that runs."""
        self._stopping = True

    async def _take_up(self) -> None:
        """See an apply through that an earlier agent has begun."""
        attempt = self._situation.standing.attempt
        if attempt is None or attempt.failure is not None:
            return
        if self._applier.running:
            log.info("an apply that an earlier agent began still runs; waiting for it", **_versions(attempt))
        await self._see_through(self._applier.adopt(attempt))

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
        await self._see_through(self._applier.apply(standing, self._begin), standing)

    async def _see_through(self, apply: Awaitable[str | None], standing: Standing | None = None) -> None:
        """Wait for an apply, and take over where the instance stands after it, `standing` if it never began."""
        self.applying, started = True, self._clock.monotonic()
        try:
            failure = await apply
        except CutOffError as error:
            after = cut_off(self._situation.standing, shorten(CUT_OFF, str(error), LONGEST_MESSAGE))
            log.warning("the apply was cut off", begun=after.attempt.begun if after.attempt else 0)
        else:
            after = ended(standing or self._situation.standing, failure)
        finally:
            self.applying = False
        self._applied_at = self._clock.monotonic()
        self._end(after, round(self._applied_at - started, 3))

    def _begin(self, standing: Standing) -> None:
        """Write down that an apply begins; it does not if that cannot be written. Raises StateDirectoryError."""
        assert standing.attempt is not None
        log.info("applying", generation=standing.generation, **_versions(standing.attempt))
        self._situation.stand(standing, None)

    def _end(self, standing: Standing, seconds: float) -> None:
        if standing.failed and standing.attempt is not None:
            log.error("the apply failed", message=standing.attempt.failure, seconds=seconds)
        elif not standing.dirty:
            log.info("applied", generation=standing.generation, seconds=seconds)
        try:
            self._situation.stand(standing, None if self._checked or standing.dirty else HEALTHY)
        except StateDirectoryError as error:
            log.warning("cannot write down how the apply ended; it is read again after a restart", error=str(error))


def _versions(attempt: Attempt) -> dict[str, str | None]:
    return {
        "code_version": attempt.target.code_version,
        "configuration_version": attempt.target.configuration_version,
    }
