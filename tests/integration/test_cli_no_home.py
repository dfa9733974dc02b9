"""A user without a home directory, as in a container that runs under any number: what is needed is named."""

import asyncio
import os
from pathlib import Path

import pytest

from support.commands import Ended, run
from support.ports import free_port
from support.processes import running

SOURCE = Path(__file__).parents[2] / "src"
NOBODY = """
import os, pwd

def unknown(number):
    raise KeyError(number)

os.geteuid = lambda: 12345
pwd.getpwuid = unknown
os.environ.pop("HOME", None)
"""
"""The system's answers for somebody who is not in the list of users."""


NEEDED = "error: This user has no home directory: name a data directory with --data-dir or DIDES_DATA_DIR.\n"


@pytest.fixture
def nobody(tmp_path: Path) -> dict[str, str]:
    """The environment in which a command runs as such a user."""
    (tmp_path / "nobody").mkdir()
    (tmp_path / "nobody" / "sitecustomize.py").write_text(NOBODY)
    return {"PYTHONPATH": os.pathsep.join([str(tmp_path / "nobody"), str(SOURCE)]), "COLUMNS": "200"}


async def test_a_place_is_asked_for_where_one_is_needed(nobody: dict[str, str]) -> None:
    server, backup, agent = await asyncio.gather(
        run("server", **nobody), run("backup", "file", **nobody), run("agent", "--token", "x", **nobody)
    )
    assert server == backup == Ended(2, "", NEEDED)
    assert (agent.code, "Traceback" in agent.err) == (2, False)
    assert "--state-dir: needed, because this user has no home directory" in agent.err


async def test_commands_of_an_operator_go_on(tmp_path: Path, nobody: dict[str, str]) -> None:
    async with running(tmp_path) as processes:
        server = ("--server", processes.url)
        unknown, known = await asyncio.gather(
            run("status", *server, **nobody),
            run("status", *server, DIDES_DATA_DIR=str(processes.data.path), **nobody),
        )
    assert unknown.code == 4
    assert "if DIDES_DATA_DIR names that directory: this user has no home directory" in unknown.err
    assert (known.code, known.err) == (0, "")


async def test_a_coordinator_that_is_away_is_said_to_be(nobody: dict[str, str]) -> None:
    ended = await run("status", "--server", f"http://127.0.0.1:{free_port()}", **nobody)
    assert (ended.code, "cannot be reached" in ended.err) == (4, True)
