"""Health: the command that tells how the instance is, and when it is asked."""

import asyncio
from collections.abc import Mapping
from typing import Never

from dides.agent.process.apply import LONGEST_MESSAGE
from dides.agent.process.command import Ended, describe_environment, run_command
from dides.agent.process.output import Output, shorten
from dides.agent.report import HEALTHY, Verdict
from dides.agent.settings import AgentSettings
from dides.agent.state import Situation
from dides.model.state import Status
from dides.runtime.clock import Clock

CHECK_LOG = "check.log"
SOONEST = 0.1
"""Seconds until an instance that is not HEALTHY is checked again; doubled each time, up to the interval."""


def read_verdict(ended: Ended, limit: float) -> Verdict:
    """Return what a check says: exit 0 HEALTHY, 1 DEGRADED, anything else FAILED, and its output is the reason."""
    if ended.in_time and ended.code == 0:
        return HEALTHY
    degraded = ended.in_time and ended.code == 1
    message = shorten(ended.describe("check", limit), ended.tail, LONGEST_MESSAGE)
    return Verdict(Status.DEGRADED if degraded else Status.FAILED, message)


def forgive(verdict: Verdict, grace: float) -> Verdict:
    """Return the verdict of a check within the grace (seconds) after an apply: FAILED is only DEGRADED then."""
    if verdict.status is not Status.FAILED:
        return verdict
    return Verdict(
        Status.DEGRADED, shorten(f"within the grace of {grace:g} s after an apply", verdict.message, LONGEST_MESSAGE)
    )


class Checks:
    """Checks one instance again and again, and tells the situation what came out."""

    def __init__(self, settings: AgentSettings, situation: Situation, clock: Clock) -> None:
        self._settings = settings
        self._situation = situation
        self._clock = clock
        self._log = settings.state_dir / CHECK_LOG
        self._one_at_a_time = asyncio.Lock()

    async def ask_now(self) -> bool:
        """Run the check now, and tell whether it says HEALTHY; without a check the last success counts."""
        verdict = await self._ask()
        if verdict == HEALTHY:
            # What is adopted now must not be reported as an earlier check has found it.
            self._situation.judge(verdict)
        return verdict == HEALTHY

    async def keep_checking(self, applied_at: float | None) -> Never:
        """Check at once and from then on, until cancelled; `applied_at` is when an apply ended (monotonic seconds)."""
        grace_ends = None if applied_at is None else applied_at + self._settings.check_grace
        delay = SOONEST
        while True:
            verdict = await self._check(grace_ends)
            self._situation.judge(verdict)
            if verdict.status is Status.HEALTHY:
                delay = SOONEST
                await asyncio.sleep(self._situation.check_interval)
            else:
                await asyncio.sleep(self._cut(delay, grace_ends))
                delay = min(2 * delay, self._situation.check_interval)

    def _cut(self, delay: float, grace_ends: float | None) -> float:
        """Return a delay that is not above the interval, and does not sleep past the end of the grace."""
        left = 0.0 if grace_ends is None else grace_ends - self._clock.monotonic()
        return min(delay, self._situation.check_interval, left if left > 0 else delay)

    async def _check(self, grace_ends: float | None) -> Verdict:
        verdict = await self._ask()
        if grace_ends is not None and self._clock.monotonic() < grace_ends:
            return forgive(verdict, self._settings.check_grace)
        return verdict

    async def _ask(self) -> Verdict:
        if self._settings.check is None:
            return HEALTHY
        standing = self._situation.standing
        variables = describe_environment(self._settings.name, standing.deployment, standing.applied, standing.previous)
        try:
            async with self._one_at_a_time:
                ended = await self._run(self._settings.check, variables)
        except OSError as error:
            return Verdict(Status.FAILED, f"the check cannot be started: {error.strerror}")
        return read_verdict(ended, self._settings.check_timeout)

    async def _run(self, command: str, variables: Mapping[str, str]) -> Ended:
        with Output(self._log) as output:
            return await run_command(command, variables, output, self._settings.check_timeout)
