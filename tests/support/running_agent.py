"""A whole agent in this process: real files, real commands, and a fake coordinator behind the client's transport."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import msgspec

from dides.agent.agent import Agent
from dides.agent.persisted import Memory
from dides.agent.process.apply_lock import LOCK, ApplyLock
from dides.agent.process.process_groups import signal_group
from dides.agent.settings import AgentSettings
from dides.agent.statedir import StateDirectory
from dides.client.instance import InstanceClient
from dides.runtime.clock import SystemClock
from support.agent_coordinator import PATIENCE, AgentCoordinator

POLL = 0.005


class RunningAgent:
    """An agent that runs as a task, until it is stopped or ends by itself."""

    def __init__(self, agent: Agent) -> None:
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(agent.run(self._stop))

    async def end(self) -> None:
        """Wait until the agent ends by itself; raises what ended it."""
        async with asyncio.timeout(PATIENCE):
            await self._task

    async def stop(self) -> None:
        """Stop it as SIGTERM does, and wait until it has ended."""
        self.ask_to_stop()
        await self.end()

    def ask_to_stop(self) -> None:
        """Stop it as SIGTERM does."""
        self._stop.set()

    @property
    def ended(self) -> bool:
        """True once the agent has ended."""
        return self._task.done()

    async def drop(self) -> None:
        """End it without ceremony, at the end of a test."""
        self._task.cancel()
        await asyncio.wait({self._task})


def make_settings(state_dir: Path, **changes: object) -> AgentSettings:
    """Return settings for an instance web-1 that talks to the fake coordinator."""
    settings = AgentSettings(
        server="http://coordinator.test",
        token="token",
        name="web-1",
        ip="10.0.0.1",
        labels={"env": "test"},
        state_dir=state_dir,
    )
    return msgspec.structs.replace(settings, **changes)


@asynccontextmanager
async def run_agent(coordinator: AgentCoordinator, settings: AgentSettings) -> AsyncIterator[RunningAgent]:
    """Run an agent against the fake coordinator for as long as the block lasts."""
    with StateDirectory(settings.state_dir) as directory:
        async with InstanceClient(settings.server, transport=coordinator.transport) as client:
            running = RunningAgent(Agent(settings, directory, client, clock=SystemClock(), random=Random(1)))
            try:
                yield running
            finally:
                await running.drop()
                await end_apply(settings.state_dir)


async def end_apply(state_dir: Path) -> None:
    """End the apply that an agent has left running, if there is one, and wait until its supervisor has ended, too."""
    lock = ApplyLock(state_dir / LOCK)
    run = lock.read()
    if run is not None and run.group is not None and lock.held:
        signal_group(run.group, signal.SIGKILL)
    await lock.until_free()


def remember(state_dir: Path, memory: Memory) -> None:
    """Leave a state directory behind as an earlier agent did."""
    with StateDirectory(state_dir) as directory:
        directory.save(memory)


def recall(state_dir: Path) -> Memory:
    """Return what an agent that has ended left behind."""
    with StateDirectory(state_dir) as directory:
        memory = directory.load()
    assert memory is not None
    return memory


async def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds that nothing announces, such as a file that a command writes."""
    for _ in range(round(PATIENCE / POLL)):
        if condition():
            return
        await asyncio.sleep(POLL)
    raise TimeoutError


async def until_lines(path: Path, count: int = 1) -> list[str]:
    """Wait until a file has this many whole lines, and return them."""
    await until(lambda: path.exists() and path.read_text(encoding="utf-8").count("\n") >= count)
    return read_lines(path)


def read_lines(path: Path) -> list[str]:
    """Return the lines of a file, none when there is no file."""
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []
