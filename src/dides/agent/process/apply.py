"""Applying: the command that brings the instance to its target, under a supervisor that outlives the agent."""

import fcntl
import os
import pkgutil
import sys
import uuid
from collections.abc import Callable, Mapping

import msgspec
import structlog

from dides.agent.errors import StateDirectoryError
from dides.agent.persisted import Attempt, Standing
from dides.agent.process.apply_lock import LOCK, ApplyLock, Run, announce
from dides.agent.process.command import Ended, describe_environment, inherit
from dides.agent.process.output import Output, read_output, shorten
from dides.agent.process.process_groups import end_leftover
from dides.agent.settings import AgentSettings

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
LONGEST_MESSAGE = 2000
APPLY_LOG = "apply.log"
KEEP_LOGS = 4
"""How many applies before the last one keep their output."""
SUPERVISOR = pkgutil.get_data("dides.agent.process", "supervisor.py") or b""
"""As it was when the agent started: by the time of an apply an upgrade may have put another one into its place."""
ABOVE = 10
"""Descriptors from here on are none that a supervisor gets."""


class CutOffError(Exception):
    """An apply ended before anybody could write down how; the text is the end of its output."""


class Applier:
    """Runs the apply command of one instance, one at a time whoever began it."""

    def __init__(self, settings: AgentSettings) -> None:
        self._settings = settings
        self._log = settings.state_dir / APPLY_LOG
        self._lock = ApplyLock(settings.state_dir / LOCK)

    async def apply(self, standing: Standing, begin: Callable[[Standing], None]) -> str | None:
        """Apply the target of the standing's attempt; return why that failed, or None when it succeeded.

        Another apply that still runs is waited for. `begin` gets the standing to write down before the command begins.
        Raises CutOffError. When this is cancelled, the apply goes on.
        """
        attempt = standing.attempt
        if self._settings.apply is None or attempt is None:
            return None
        run = uuid.uuid4().hex
        try:
            locked = await self._lock.take()
            try:
                announce(locked, run)
                begin(msgspec.structs.replace(standing, attempt=msgspec.structs.replace(attempt, run=run)))
                supervisor = self._start(standing, attempt, run, locked)
            finally:
                os.close(locked)
        except StateDirectoryError as error:
            return shorten("not applied", str(error), LONGEST_MESSAGE)
        except OSError as error:
            return f"the apply cannot be started: {error.strerror}"
        await self._lock.until_free(supervisor)
        return await self._outcome(run)

    async def adopt(self, attempt: Attempt) -> str | None:
        """See an apply through that an earlier agent has begun; return why it failed, or None when it succeeded.

        Raises CutOffError once what it left behind has been ended.
        """
        await self._lock.until_free()
        return await self._outcome(attempt.run)

    @property
    def running(self) -> bool:
        """True while an apply runs, whoever began it."""
        return self._lock.held

    def _start(self, standing: Standing, attempt: Attempt, run: str, locked: int) -> int:
        settings = self._settings
        variables = describe_environment(settings.name, standing.deployment, attempt.target, standing.applied)
        with Output(self._log, KEEP_LOGS) as output:
            arguments = (run, repr(settings.apply_timeout), settings.apply or "")
            return _supervise(arguments, {**inherit(os.environ), **variables}, output.descriptor, locked)

    async def _outcome(self, run: str | None) -> str | None:
        found, tail = self._lock.read(), read_output(self._log)
        if found is None or found.run != run:
            raise CutOffError(tail)
        if not found.ended:
            await _end_leftover(found)
            raise CutOffError(tail)
        ended = Ended(found.code, found.in_time, tail)
        if ended.in_time and ended.code == 0:
            return None
        return shorten(ended.describe("apply", self._settings.apply_timeout), tail, LONGEST_MESSAGE)


def _supervise(arguments: tuple[str, ...], environment: Mapping[str, str], output: int, locked: int) -> int:
    """Start a supervisor, to which the lock passes over; return its number. Raises OSError when it cannot be started.

    It is no child that asyncio knows: that would be killed with this process.
    """
    reading, writing = os.pipe()
    os.write(writing, SUPERVISOR)
    os.close(writing)
    kept = [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, ABOVE) for descriptor in (reading, output, output, locked)]
    try:
        return os.posix_spawn(
            sys.executable,
            (sys.executable, "-I", "-S", "-", *arguments),
            environment,
            file_actions=[(os.POSIX_SPAWN_DUP2, descriptor, number) for number, descriptor in enumerate(kept)],
            setsid=True,
        )
    finally:
        for descriptor in (reading, *kept):
            os.close(descriptor)


async def _end_leftover(run: Run) -> None:
    """End what a supervisor that was killed left running: two applies at once could break the instance."""
    process = run.process
    if process is not None and await end_leftover(process):
        log.warning("ended an apply whose supervisor had been killed", group=process.group)
