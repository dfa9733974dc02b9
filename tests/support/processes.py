"""A coordinator and agents as real processes, to be driven, killed and started again by tests and benchmarks."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import httpx2

from dides.cli.demo.fleet import child_environment, end, find_url
from dides.client.errors import UnreachableError
from dides.client.operator import OperatorClient
from dides.protocol.messages import Deployment
from dides.runtime.datadir import OPERATOR_FILE, REGISTRATION_FILE, DataDirectory
from support.ports import free_port

T = TypeVar("T")
PATIENCE = 60.0
POLL = 0.02


class Processes:
    """Processes in one directory. The coordinator keeps its port when it is started again."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.url = ""
        self.data = DataDirectory(directory / "data")
        self._processes: dict[str, Process] = {}

    async def start_coordinator(self, *options: str, patience: float = PATIENCE) -> None:
        """Start the coordinator and wait until it listens, but not longer than `patience` seconds."""
        listen = self.url.removeprefix("http://") or f"127.0.0.1:{free_port()}"
        log = self.directory / "coordinator.log"
        log.write_bytes(b"")
        await self.start("coordinator", "server", "--listen", listen, "--data-dir", str(self.data.path), *options)
        await until(lambda: find_url(log.read_bytes()) or self._ended("coordinator"), patience)
        self.url = find_url(log.read_bytes())
        assert self.url, log.read_text()

    async def start_agent(self, name: str, *, apply: str = "true", check: str = "", interval: float = 1.0) -> None:
        """Start an agent with the label env=test."""
        options = {
            "--server": self.url,
            "--token": self.data.token(REGISTRATION_FILE),
            "--name": name,
            "--ip": "127.0.0.1",
            "--label": "env=test",
            "--apply": apply,
            "--state-dir": str(self.directory / name),
            "--interval": str(interval),
        }
        if check:
            options["--check"] = check
        await self.start(name, "agent", *(word for pair in options.items() for word in pair))

    async def start(self, name: str, *arguments: str) -> Process:
        """Start `dides` with arguments, as a process known by a name, its output in a log of that name."""
        with (self.directory / f"{name}.log").open("ab") as log:
            command = (sys.executable, "-m", "dides", *arguments)
            self._processes[name] = await asyncio.create_subprocess_exec(
                *command, stdin=DEVNULL, stdout=log, stderr=log, env=self.environment(), start_new_session=True
            )
        return self._processes[name]

    async def kill(self, name: str) -> None:
        """End a process with SIGKILL, and whatever else is in its process group."""
        process = self._processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()

    async def end(self, name: str) -> None:
        """End a process with SIGTERM."""
        await end(self._processes.pop(name))

    def process(self, name: str) -> Process:
        """Return a running process."""
        return self._processes[name]

    async def stop(self) -> None:
        """End every process, the coordinator last."""
        coordinator = self._processes.pop("coordinator", None)
        await asyncio.gather(*(end(each) for each in self._processes.values()))
        if coordinator:
            await end(coordinator)

    def environment(self) -> Mapping[str, str]:
        """Return the environment of a child: without settings for dides but those of these processes."""
        return {**child_environment(os.environ), "DIDES_DATA_DIR": str(self.data.path), "DIDES_SERVER": self.url}

    def client(self) -> OperatorClient:
        """Return a client with the operator's token."""
        return OperatorClient(self.url, self.data.token(OPERATOR_FILE))

    def http(self) -> httpx2.AsyncClient:
        """Return a plain HTTP client with the operator's token."""
        headers = {"Authorization": f"Bearer {self.data.token(OPERATOR_FILE)}"}
        return httpx2.AsyncClient(base_url=self.url, headers=headers, timeout=PATIENCE)

    def log(self, name: str) -> str:
        """Return what a process has printed."""
        return (self.directory / f"{name}.log").read_text(errors="replace")

    def _ended(self, name: str) -> bool:
        return self._processes[name].returncode is not None


@asynccontextmanager
async def running(
    directory: Path, *options: str, agents: int = 0, apply: str = "true", check: str = ""
) -> AsyncIterator[Processes]:
    """Run a coordinator, and agents web-1, web-2, ..., all HEALTHY, for as long as the block lasts."""
    processes = Processes(directory)
    try:
        await processes.start_coordinator(*options)
        for number in range(1, agents + 1):
            await processes.start_agent(f"web-{number}", apply=apply, check=check)
        async with processes.client() as client:
            await until_async(lambda: client.count(status=1), lambda count: count == agents)
        yield processes
    finally:
        await processes.stop()


async def finished(client: OperatorClient, deployment_id: int) -> Deployment:
    """Wait until a deployment has finished, also while its coordinator comes and goes."""

    async def look() -> Deployment | None:
        try:
            return await client.deployment(deployment_id)
        except UnreachableError:
            return None

    found = await until_async(look, lambda seen: seen is not None and seen.finished_at is not None)
    assert found
    return found


async def until(condition: Callable[[], T], patience: float = PATIENCE) -> T:
    """Wait until a condition holds and return what it gave; TimeoutError after `patience` seconds."""
    async with asyncio.timeout(patience):
        while not (result := condition()):
            await asyncio.sleep(POLL)
    return result


async def until_async(look: Callable[[], Awaitable[T]], wanted: Callable[[T], bool]) -> T:
    """Wait until what is looked up is as wanted, and return it; TimeoutError after PATIENCE seconds."""
    async with asyncio.timeout(PATIENCE):
        while not wanted(found := await look()):
            await asyncio.sleep(POLL)
    return found
