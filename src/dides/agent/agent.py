"""An agent: a conversation with the coordinator and the work on the instance, side by side until one of them ends."""

import asyncio
import signal
from contextlib import suppress
from random import Random, SystemRandom
from typing import Any, Never

import structlog

from dides.agent.errors import SettingError
from dides.agent.persisted import Memory
from dides.agent.process.apply import APPLY_LOG
from dides.agent.process.health import CHECK_LOG
from dides.agent.process.output import trim_files
from dides.agent.registration import Registration
from dides.agent.session import Conversation
from dides.agent.settings import AgentSettings
from dides.agent.state import Situation
from dides.agent.statedir import StateDirectory
from dides.agent.worker import Worker
from dides.client.instance import InstanceClient
from dides.runtime.clock import Clock, SystemClock
from dides.runtime.systemd import notify

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
TIDY_EVERY = 10.0


class Agent:
    """The agent of one instance. The clock, the randomness and the client's transport are seams."""

    def __init__(
        self,
        settings: AgentSettings,
        directory: StateDirectory,
        client: InstanceClient,
        *,
        clock: Clock,
        random: Random,
    ) -> None:
        """Take up where the state directory says; raises StateDirectoryError, or SettingError for another's."""
        memory = _recall(directory, settings)
        client.credential = memory.credential
        situation = Situation(memory, directory, settings.interval)
        registration = Registration(settings, situation, client, random)
        self._conversation = Conversation(settings.name, situation, client, registration, clock, random)
        self._worker = Worker(settings, situation, clock)
        self._waits = settings.wait_for_apply
        self._longest_apply = settings.apply_timeout
        self._logs = [settings.state_dir / name for name in (APPLY_LOG, CHECK_LOG)]

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set; then return at once. An apply that runs goes on, unless this is to wait for it.

        Raises DecommissionedError and SettingError, at the same time.
        """
        work = asyncio.create_task(self._worker.work())
        talk = asyncio.create_task(self._conversation.hold())
        tasks = [work, talk, asyncio.create_task(self._keep_tidy())]
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
            if await self._finish(work) and not talk.done():
                await _cancel(talk)
                await self._conversation.say_last()
        finally:
            await _cancel(stopping, *tasks)
        for task in tasks:
            if not task.cancelled():
                task.result()

    async def _finish(self, work: asyncio.Task[None]) -> bool:
        """Let the work end, with an apply that is to be waited for; tell whether there was one."""
        notify("STOPPING=1")
        if not self._worker.applying:
            return False
        if not self._waits:
            log.info("stopping; the running apply goes on, and the next agent takes it up")
            return False
        log.info("stopping once the running apply has ended", at_most_seconds=self._longest_apply)
        self._worker.stop()
        await asyncio.wait([work])
        return True

    async def _keep_tidy(self) -> Never:
        """Keep the output files short that a daemon, left behind by an apply, may go on writing to."""
        while True:
            await asyncio.sleep(TIDY_EVERY)
            for file in self._logs:
                with suppress(OSError):
                    trim_files(file)


async def run_agent(settings: AgentSettings) -> None:
    """Run the agent of this process until SIGTERM or SIGINT.

    Raises AgentError, whose text says what to do next and whose `exit_code` the process should end with.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    # A handler and not SIG_IGN, which commands would inherit.
    loop.add_signal_handler(signal.SIGHUP, lambda: log.info("SIGHUP is ignored; settings are read at the start"))
    with StateDirectory(settings.state_dir) as directory:
        async with InstanceClient(settings.server) as client:
            log.info("starting", server=settings.server, state_dir=str(settings.state_dir))
            if settings.apply is None:
                log.warning("no --apply: a version counts as applied as soon as it is desired")
            await Agent(settings, directory, client, clock=SystemClock(), random=SystemRandom()).run(stop)
    log.info("stopped")


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def _recall(directory: StateDirectory, settings: AgentSettings) -> Memory:
    memory = directory.load() or Memory(name=settings.name, named_after_host=settings.named_after_host)
    if memory.name != settings.name:
        raise SettingError(
            "--name",
            f"{directory.path} belongs to the instance {memory.name}, not to {settings.name}: give that name, or "
            "another --state-dir",
        )
    return memory
