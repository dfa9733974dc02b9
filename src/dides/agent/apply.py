"""Applying: the command that brings the instance to its target."""

from collections.abc import Awaitable, Callable

from dides.agent.command import Ended, describe_environment, run_command
from dides.agent.errors import StateDirectoryError
from dides.agent.memory import Standing
from dides.agent.output import Output, shorten
from dides.agent.settings import AgentSettings
from dides.model.state import NOTHING

LONGEST_MESSAGE = 2000
APPLY_LOG = "apply.log"
KEEP_LOGS = 4
"""How many applies before the last one keep their output."""


class Applier:
    """Runs the apply command of one instance."""

    def __init__(self, settings: AgentSettings) -> None:
        self._settings = settings
        self._log = settings.state_dir / APPLY_LOG

    async def apply(self, standing: Standing, before: Callable[[int], Awaitable[None]]) -> str | None:
        """Apply the target of the standing's attempt; return why that failed, or None when it succeeded.

        `before` gets the number of the process before the command begins, to write down that it does.
        """
        if self._settings.apply is None:
            return None
        target = NOTHING if standing.attempt is None else standing.attempt.target
        variables = describe_environment(self._settings.name, standing.deployment, target, standing.applied)
        try:
            with Output(self._log, KEEP_LOGS) as output:
                ended = await run_command(self._settings.apply, variables, output, self._settings.apply_timeout, before)
        except StateDirectoryError as error:
            return shorten("not applied", str(error), LONGEST_MESSAGE)
        except OSError as error:
            return f"the apply cannot be started: {error.strerror}"
        return self._failure(ended)

    def _failure(self, ended: Ended) -> str | None:
        if ended.in_time and ended.code == 0:
            return None
        return shorten(ended.describe("apply", self._settings.apply_timeout), ended.tail, LONGEST_MESSAGE)
