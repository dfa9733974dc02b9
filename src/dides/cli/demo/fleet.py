"""The small fleet of `dides demo`: a coordinator and agents, real processes in one directory."""

import asyncio
import os
import shlex
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

ADDRESS = "127.0.0.1:0"
START_TIMEOUT = 30.0
"""Seconds for the coordinator to say where it listens."""
STOP_TIMEOUT = 5.0
"""Seconds for a process to end by itself before it is killed."""
POLL = 0.05
APPLY_SECONDS = 0.7
TAIL_LINES = 20


class FleetError(Exception):
    """A process of the fleet did not do what it should; the text says which, and how its log ends."""


class Listening(msgspec.Struct):
    """The log line with which the coordinator says where it listens."""

    event: str = ""
    url: str = ""


class DemoFleet:
    """A coordinator and agents in one directory. Processes are in sessions of their own, out of reach of Ctrl-C."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._processes: dict[str, Process] = {}
        self.url = ""

    @property
    def data_dir(self) -> Path:
        """Where the coordinator keeps its data."""
        return self._directory / "data"

    def token(self, kind: str) -> str:
        """Return a token, "operator" or "registration", that the coordinator wrote at its start."""
        return (self.data_dir / f"{kind}-token").read_text(encoding="utf-8").strip()

    async def start_coordinator(self) -> None:
        """Start the coordinator on a free port and wait until it listens. Raises FleetError when it does not."""
        await self._start("coordinator", ["server", "--listen", ADDRESS, "--data-dir", str(self.data_dir)])
        try:
            async with asyncio.timeout(START_TIMEOUT):
                while not self.url:
                    self.check_coordinator()
                    self.url = find_url(self._log("coordinator").read_bytes())
                    await asyncio.sleep(POLL)
        except TimeoutError as error:
            raise FleetError(f"The coordinator did not start within {START_TIMEOUT:g} s.\n{self.logs()}") from error

    async def start_agent(self, name: str) -> None:
        """Start the agent of one instance, which takes a version by writing it into a file."""
        place = self._directory / name
        place.mkdir()
        await self._start(name, agent_arguments(name, self.url, self.token("registration"), place))

    def check(self) -> None:
        """Raise FleetError when a process has ended."""
        for name in self._processes:
            self._check(name)

    def check_coordinator(self) -> None:
        """Raise FleetError when the coordinator has ended; agents may, for instances can be decommissioned."""
        self._check("coordinator")

    def logs(self) -> str:
        """Return how the coordinator's log ends, and that of the first agent."""
        return "\n".join(f"--- the end of {name}'s log:\n{self._tail(name)}" for name in list(self._processes)[:2])

    async def stop(self) -> None:
        """End every process: agents first, the coordinator last; kill what does not end in time."""
        coordinator = self._processes.pop("coordinator", None)
        await asyncio.gather(*(end(process) for process in self._processes.values()))
        if coordinator is not None:
            await end(coordinator)
        self._processes.clear()

    async def _start(self, name: str, arguments: Sequence[str]) -> None:
        with self._log(name).open("wb") as log:
            self._processes[name] = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "dides", *arguments),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=child_environment(os.environ),
                start_new_session=True,
            )

    def _check(self, name: str) -> None:
        code = self._processes[name].returncode
        if code is not None:
            raise FleetError(f"{name} has ended with exit code {code}.\n{self._tail(name)}")

    def _log(self, name: str) -> Path:
        return self._directory / f"{name}.log"

    def _tail(self, name: str) -> str:
        return "\n".join(self._log(name).read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:])


async def end(process: Process) -> None:
    """Ask a process to end, and kill it when it does not in time."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_TIMEOUT):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def find_url(log: bytes) -> str:
    """Return the URL in the line that says where the coordinator listens, or "" while there is none."""
    for line in log.splitlines():
        try:
            said = msgspec.json.decode(line, type=Listening)
        except msgspec.DecodeError:
            continue
        if said.event == "listening":
            return said.url
    return ""


def agent_arguments(name: str, url: str, token: str, place: Path) -> list[str]:
    """Return the command line of an agent whose state, and the version that it takes, are in the directory `place`."""
    return [
        *("agent", "--server", url, "--token", token, "--name", name, "--ip", "127.0.0.1", "--label", "env=demo"),
        *("--apply", apply_command(place), "--check", check_command(place)),
        *("--state-dir", str(place / "state"), "--interval", "1"),
        "--wait-for-apply",  # nothing is to go on when the demo has cleaned up
    ]


def apply_command(place: Path) -> str:
    """Return the command that takes a version: it works for a moment, then writes the version into a file."""
    return f'sleep {APPLY_SECONDS}; printf %s "$DIDES_CODE_VERSION" > {shlex.quote(str(place / "version"))}'


def check_command(place: Path) -> str:
    """Return the command that tells health: a version with "bad" in it has failed."""
    file = shlex.quote(str(place / "version"))
    return f'v=$(cat {file} 2>/dev/null); case "$v" in *bad*) echo "$v answers every request with 500"; exit 2;; esac'


def child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without settings for dides, which are meant for a fleet that is not a demo."""
    return {name: value for name, value in environment.items() if not name.startswith("DIDES_")}
