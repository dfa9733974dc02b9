"""A shell at a terminal of its own, which is typed into line by line."""

import asyncio
import re
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Mapping
from pathlib import Path

PATIENCE = 120.0
"""Seconds after which a test gives up; only a failing one waits so long."""
SPAWN = "import pty; pty.spawn(['bash', '--noprofile', '--norc', '--noediting', '-i'])"
PROMPTS = {"PS1": "<done $?>", "PS2": "<more>", "PS4": ""}
DONE, QUESTION = re.compile(r"<done (\d+)>$"), re.compile(r"\[y/N\]: $")
WAITS = re.compile(rf"{DONE.pattern}|<more>$|{QUESTION.pattern}")
INTERRUPT = "\x03"


class Terminal:
    """An interactive shell; whatever it shows is kept."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self._directory = directory
        self._environment = {**environment, **PROMPTS, "TERM": "xterm", "COLUMNS": "120", "LINES": "50"}
        self._process: Process | None = None
        self._shown = ""

    @property
    def shown(self) -> str:
        """Everything that is to be read on it."""
        return self._shown.replace("\r\n", "\n")

    async def open(self) -> None:
        """Start the shell and wait for its prompt."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            SPAWN,
            cwd=self._directory,
            env=self._environment,
            stdin=PIPE,
            stdout=PIPE,
            stderr=STDOUT,
        )
        await self._until_it_waits(0)

    async def type(self, line: str) -> str:
        """Type a line, answer `y` to a question, and return what is shown until the shell waits for another one."""
        before = self._enter(f"{line}\n")
        await self._until_it_waits(before)
        if QUESTION.search(self._shown):
            await self._until_it_waits(self._enter("y\n"))
        return self._shown[before:]

    def begin(self, line: str) -> None:
        """Type a line whose command stays in the foreground."""
        self._enter(f"{line}\n")

    async def interrupt(self) -> None:
        """Press Ctrl-C and wait for the prompt."""
        await self._until_it_waits(self._enter(INTERRUPT))

    async def close(self) -> None:
        """End the shell and what it has in the foreground, as closing the window does."""
        if self._process and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    @property
    def status(self) -> int | None:
        """The exit code of the last command, when the shell waits for the next one."""
        found = DONE.search(self._shown)
        return int(found[1]) if found else None

    def _enter(self, keys: str) -> int:
        assert self._process
        assert self._process.stdin
        self._process.stdin.write(keys.encode())
        return len(self._shown)

    async def _until_it_waits(self, before: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while not WAITS.search(self._shown, before):
                await self._read()

    async def _read(self) -> None:
        assert self._process
        assert self._process.stdout
        more = await self._process.stdout.read(65536)
        assert more, f"the shell has ended:\n{self._shown}"
        self._shown += more.decode(errors="replace")
