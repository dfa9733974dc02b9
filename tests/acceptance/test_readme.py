"""The README as a newcomer runs it: every command, in the terminal that it names, in its order."""

import os
import re
import shutil
import sys
import sysconfig
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx2
import pytest

from dides.cli.demo.fleet import child_environment
from support.ports import free_port
from support.processes import until_async
from support.readme import README, TERMINALS, Block, blocks_of
from support.terminal import Terminal

PORT = "8420"
STATUSES = {"dides deploy 1.1.0-bad": 1}
"""What ends with another code than 0, as the README says."""
UNWANTED = re.compile(r"command not found|No such file|Traceback|[Ww]arning|None of|is not reachable|cannot be")
CLONED = ("pyproject.toml", "README.md", "LICENSE", "src")


def clone(directory: Path) -> Path:
    """Return a copy of what the package is made of, to be installed from."""
    for name in CLONED:
        source = README.parent / name
        if source.is_dir():
            shutil.copytree(source, directory / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, directory / name)
    return directory


def environment(home: Path, port: int) -> Mapping[str, str]:
    """Return the variables of a newcomer's shell. pip finds what dides needs where the tests have it."""
    programs = home / "programs"
    programs.mkdir()
    (programs / "python3").write_text(f'#!/bin/sh\nexec "{base_python()}" "$@"\n')
    (programs / "python3").chmod(0o755)
    if not shutil.which("jq"):
        (programs / "jq").write_text("#!/bin/sh\nexec python3 -m json.tool\n")
        (programs / "jq").chmod(0o755)
    return {
        **{name: value for name, value in child_environment(os.environ).items() if not name.startswith("VIRTUAL_ENV")},
        "HOME": str(home),
        "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin",
        "PYTHONPATH": sysconfig.get_path("purelib"),
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads the value of what says "no" the other way round
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "DIDES_LISTEN": f"127.0.0.1:{port}",
        "DIDES_SERVER": f"http://127.0.0.1:{port}",
    }


def base_python() -> str:
    """Return the Python that the tests' environment was made with."""
    return str(Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}")


class Newcomer:
    """Types the blocks of the README, and looks at what comes."""

    def __init__(self, directory: Path) -> None:
        self.home = directory / "home"
        self.home.mkdir()
        self.port = free_port()
        (directory / "clone").mkdir()
        cloned = clone(directory / "clone")
        variables = environment(self.home, self.port)
        self.terminals = {
            name: Terminal(cloned if name == TERMINALS[0] else self.home, variables) for name in TERMINALS
        }
        self._serving = False

    async def type(self, block: Block) -> str:
        """Type a block as the README has it, and return what was shown; every command has to end as it says."""
        terminal = self.terminals[block.terminal]
        shown = ""
        if self._serving and block.terminal == TERMINALS[0]:
            await terminal.interrupt()
            self._serving = False
        for line in block.lines:
            typed = line.replace(PORT, str(self.port))
            if typed.startswith("dides server"):
                await self._serve(terminal, typed)
                continue
            if typed.startswith("dides deploy"):
                await self._until_all_are_healthy()
            shown += await terminal.type(typed)
            assert terminal.status in (expected(line), None), shown
        return shown

    async def _serve(self, terminal: Terminal, line: str) -> None:
        terminal.begin(line)
        self._serving = True
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{self.port}") as http:
            await until_async(lambda: ready(http), bool)

    async def _until_all_are_healthy(self) -> None:
        """Wait as somebody does who opens the dashboard in between."""
        token = (self.home / "first-day" / "coordinator" / "operator-token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", headers=headers) as http:
            await until_async(lambda: healthy(http), lambda count: count == 3)


def expected(line: str) -> int:
    return next((status for command, status in STATUSES.items() if line.startswith(command)), 0)


async def ready(http: httpx2.AsyncClient) -> bool:
    try:
        return (await http.get("/readyz")).is_success
    except httpx2.TransportError:
        return False


async def healthy(http: httpx2.AsyncClient) -> int:
    count: int = (await http.get("/inventory/instances", params={"status": 1})).json()["count"]
    return count


@pytest.fixture
async def newcomer(tmp_path: Path) -> AsyncIterator[Newcomer]:
    newcomer = Newcomer(tmp_path)
    try:
        for terminal in newcomer.terminals.values():
            await terminal.open()
        yield newcomer
    finally:
        for terminal in newcomer.terminals.values():
            await terminal.close()


async def test_the_whole_readme_works_as_written(newcomer: Newcomer) -> None:
    blocks = blocks_of(README.read_text(encoding="utf-8"))
    shown = {block.lines[-1]: await newcomer.type(block) for block in blocks}
    everything = "".join(terminal.shown for terminal in newcomer.terminals.values())
    assert UNWANTED.findall(everything) == [], everything
    assert "1.1.0-bad" in shown["dides events"]
    assert {block.terminal for block in blocks} == set(TERMINALS)
    assert (
        '"status": "completed"' in shown[blocks[-1].lines[-1]] or "deployment.completed" in shown[blocks[-1].lines[-1]]
    )
    assert "jobs -p" in everything
