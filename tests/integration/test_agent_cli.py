"""`dides agent` as a command: what it refuses, and how it starts and ends as a process."""

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from dides.agent.persisted import Memory
from dides.agent.statedir import StateDirectory
from dides.cli.commands.agent import ROOT_STATE, USER_STATE, agent, default_state_dir
from support.agent_coordinator import PATIENCE
from support.running_agent import read_lines, remember, until_lines

NOBODY = "http://127.0.0.1:1"
RUN = "import typer; from dides.cli.commands.agent import agent; typer.run(agent)"
app = typer.Typer(rich_markup_mode=None)
app.command()(agent)


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--server", "localhost:8420"),
        ("--token", "x" * 1025),
        ("--name", "Web_1"),
        ("--ip", "web-1"),
        ("--label", "env"),
        ("--label", "env=a b"),
        ("--apply", " "),
        ("--check", " "),
        ("--interval", "0"),
        ("--interval", "soon"),
        ("--apply-timeout", "-1"),
        ("--check-timeout", "nan"),
        ("--check-grace", "-1"),
    ],
)
def test_a_bad_value_is_a_usage_error_that_names_the_flag(flag: str, value: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["--name", "web-1", "--state-dir", str(tmp_path / "state"), flag, value])
    assert result.exit_code == 2
    assert flag in result.stderr
    assert not (tmp_path / "state").exists()


def test_a_variable_stands_for_a_flag(tmp_path: Path) -> None:
    environment = {"DIDES_INTERVAL": "0", "DIDES_STATE_DIR": str(tmp_path)}
    result = CliRunner().invoke(app, ["--name", "web-1"], env=environment)
    assert (result.exit_code, "--interval" in result.stderr) == (2, True)


def test_the_default_state_directory_depends_on_the_user() -> None:
    expected = ROOT_STATE if os.geteuid() == 0 else Path.home() / USER_STATE / "web-1"
    assert default_state_dir("web-1") == expected


@asynccontextmanager
async def run_process(
    tmp_path: Path, *arguments: str, notify: str = "", named: tuple[str, ...] = ("--name", "web-1")
) -> AsyncIterator[Process]:
    """Run the command as a process, which is killed at the end of the block if it still runs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", RUN, *named, "--ip", "10.0.0.1", "--state-dir", str(tmp_path / "state")),
        *("--server", NOBODY, *arguments),
        stdout=PIPE,
        env={**os.environ, "NOTIFY_SOCKET": notify, "DIDES_REGISTRATION_TOKEN": "token"},
    )
    try:
        async with asyncio.timeout(PATIENCE):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def read_until(process: Process, wanted: Callable[[dict[str, object]], bool]) -> dict[str, object]:
    """Return the first log line, a JSON object, that is wanted."""
    assert process.stdout is not None
    while line := await process.stdout.readline():
        entry: dict[str, object] = json.loads(line)
        if wanted(entry):
            return entry
    raise EOFError


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    check = f"echo . >> {tmp_path}/checks"
    async with run_process(tmp_path, "--check", check) as process:
        await until_lines(tmp_path / "checks")
        entry = await read_until(process, lambda entry: "seconds" in entry)
        assert (entry["level"], entry["instance"]) == ("warning", "web-1")
        process.send_signal(number)
        assert await process.wait() == 0


async def test_it_tells_the_service_manager_when_it_is_registered(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        registered = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "support.doomed_agent", str(tmp_path / "state"), "true", "60"),
            cwd=Path(__file__).parents[1],
            stdout=DEVNULL,
            env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")},
        )
        async with asyncio.timeout(PATIENCE):
            assert await asyncio.get_running_loop().sock_recv(manager, 100) == b"READY=1"
        registered.kill()
        await registered.wait()


async def test_it_tells_the_service_manager_when_it_stops(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        async with run_process(tmp_path, notify=str(tmp_path / "notify")) as process:
            await read_until(process, lambda entry: "seconds" in entry)
            process.terminate()
            assert await asyncio.get_running_loop().sock_recv(manager, 100) == b"STOPPING=1"
            assert await process.wait() == 0


async def test_a_state_directory_in_use_is_an_error_that_says_so(tmp_path: Path) -> None:
    with StateDirectory(tmp_path / "state"):
        async with run_process(tmp_path) as process:
            entry = await read_until(process, lambda entry: entry["level"] == "critical")
            assert "Another agent uses" in str(entry["reason"])
            assert await process.wait() == 6


async def test_another_instances_state_directory_is_an_error_that_says_so(tmp_path: Path) -> None:
    remember(tmp_path / "state", Memory(name="web-2"))
    async with run_process(tmp_path) as process:
        entry = await read_until(process, lambda entry: entry["level"] == "critical")
        assert "belongs to the instance web-2" in str(entry["reason"])
        assert await process.wait() == 2


async def test_it_is_ready_with_a_credential_while_the_coordinator_is_away(tmp_path: Path) -> None:
    remember(tmp_path / "state", Memory(name="web-1", credential="credential-1"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        async with run_process(tmp_path, notify=str(tmp_path / "notify")):
            assert await asyncio.get_running_loop().sock_recv(manager, 100) == b"READY=1"


async def test_without_a_name_it_keeps_the_one_that_it_has(tmp_path: Path) -> None:
    remember(tmp_path / "state", Memory(name="before-the-host-was-renamed"))
    async with run_process(tmp_path, named=()) as process:
        entry = await read_until(process, lambda entry: "seconds" in entry)
        assert entry["instance"] == "before-the-host-was-renamed"


async def test_a_hangup_is_ignored(tmp_path: Path) -> None:
    check = f"echo . >> {tmp_path}/checks; exit 1"
    async with run_process(tmp_path, "--check", check, "--interval", "0.1") as process:
        await until_lines(tmp_path / "checks")
        process.send_signal(signal.SIGHUP)
        await read_until(process, lambda entry: str(entry["event"]).startswith("SIGHUP is ignored"))
        await until_lines(tmp_path / "checks", len(read_lines(tmp_path / "checks")) + 1)
        process.terminate()
        assert await process.wait() == 0
