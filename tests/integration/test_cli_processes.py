"""The command line against a real coordinator and real agents, and the demo: nothing is left behind."""

import asyncio
import json
import os
import pty
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NoReturn, Self

import httpx2
import pytest

from dides.cli.demo.fleet import DemoFleet

PATIENCE = 60.0
LASTING = ("--waves", "1", "--wave-pause", "manual")
"""A second wave that waits to be promoted keeps a rollout in flight for as long as the next commands take to start."""


async def start(*arguments: str, **variables: str) -> Process:
    """Start `dides ARGUMENTS` with these variables."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "dides", *arguments),
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **variables},
    )


async def finish(process: Process) -> tuple[int, str, str]:
    """Wait for the end of a process and return its exit code and what it printed."""
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def read_until(process: Process, text: str) -> None:
    """Read a process's standard output up to a line with this text."""
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        async for line in process.stdout:
            if text in line.decode():
                return
    raise AssertionError(f"it ended without saying {text!r}")


def left_behind(directory: Path) -> list[str]:
    """Return the files in a directory, and the command lines of running processes that name it."""
    listed = subprocess.run(["ps", "-Ao", "args"], capture_output=True, text=True, check=True)
    files = [str(file) for file in directory.iterdir()]
    return [*files, *(line for line in listed.stdout.splitlines() if str(directory) in line)]


async def test_the_demo_shows_everything_and_leaves_nothing_behind(tmp_path: Path) -> None:
    code, out, err = await finish(await start("demo", "--instances", "3", TMPDIR=str(tmp_path)))
    assert (code, err) == (0, ""), out
    for text in (
        "✔ Deployment 1 completed",
        "✔ Deployment 2 completed",
        "✖ web-1 failed",
        "2.0.0-bad answers every request with 500",
        "✖ Deployment 3 failed",
        "✔ Deployment 4 completed",
        "Cleaned up",
        "Try next",
    ):
        assert text in out
    assert left_behind(tmp_path) == []


def shown_by(command: str) -> str:
    """Return what the file of `$ cat FILE` holds."""
    return Path(command.removeprefix("$ cat ")).read_text(encoding="ascii").strip()


async def test_a_demo_that_is_kept_says_how_to_sign_in(tmp_path: Path) -> None:
    process = await start("demo", "--instances", "2", "--keep", TMPDIR=str(tmp_path))
    await read_until(process, "The fleet keeps running")
    assert process.stdout is not None
    said = [(await process.stdout.readline()).decode().rstrip() for _ in range(3)]
    assert said[0].startswith("Dashboard:  http://127.0.0.1:")
    assert said[1].startswith("Sign in:    with the operator token")
    assert said[2].startswith(f"$ cat {tmp_path}/")
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {shown_by(said[2])}"}) as http:
        dashboard = said[0].split()[1]
        assert (await http.get(f"{dashboard}deployments")).json()["deployments"][0]["status"] == "completed"
    process.send_signal(signal.SIGINT)
    assert (await finish(process))[0] == 0
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["Starting", "1. A first rollout"])
async def test_an_interrupted_demo_leaves_nothing_behind(tmp_path: Path, moment: str, number: signal.Signals) -> None:
    process = await start("demo", "--instances", "3", TMPDIR=str(tmp_path))
    await read_until(process, moment)
    process.send_signal(number)
    code, out, err = await finish(process)
    assert code == 130, out + err
    assert "Traceback" not in err
    assert left_behind(tmp_path) == []


async def test_a_demo_whose_coordinator_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nif 'server' in sys.argv: raise SystemExit('no coordinator today')\n"
    )
    place = tmp_path / "place"
    place.mkdir()
    code, _, err = await finish(await start("demo", TMPDIR=str(place), PYTHONPATH=str(tmp_path)))
    assert code == 70
    assert "coordinator has ended with exit code" in err
    assert left_behind(place) == []


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[DemoFleet]:
    """A coordinator and two agents."""
    fleet = DemoFleet(tmp_path)
    try:
        await fleet.start_coordinator()
        for name in ("web-1", "web-2"):
            await fleet.start_agent(name)
        yield fleet
    finally:
        await fleet.stop()


async def dides(fleet: DemoFleet, *arguments: str) -> tuple[int, str, str]:
    """Run a command on the fleet; the token is found in the data directory."""
    return await finish(await start(*arguments, **variables_of(fleet)))


def variables_of(fleet: DemoFleet) -> dict[str, str]:
    return {"DIDES_SERVER": fleet.url, "DIDES_DATA_DIR": str(fleet.data_dir), "DIDES_TOKEN": ""}


async def registered(fleet: DemoFleet) -> None:
    """Wait until both instances are healthy."""
    async with asyncio.timeout(PATIENCE):
        while json.loads((await dides(fleet, "status", "-o", "json"))[1])["instances"]["healthy"] < 2:
            pass


async def test_an_operators_day(fleet: DemoFleet) -> None:
    await registered(fleet)
    code, out, err = await dides(fleet, "deploy", "1.0.0", "-l", "env=demo", "--batch-size", "100%", "-o", "json")
    first = json.loads(out)
    assert (code, first["status"], first["progress"]["succeeded"]) == (0, "completed", 2), err
    code, out, _ = await dides(fleet, "deploy", "2.0.0-bad", "-l", "env=demo")
    assert code == 1
    assert "2.0.0-bad answers every request with 500" in out
    assert "rollback of deployment 2" in out
    code, out, _ = await dides(fleet, "instances", "--status", "healthy", "-o", "json")
    assert [instance["current"]["code_version"] for instance in json.loads(out)] == ["1.0.0", "1.0.0"]
    code, out, _ = await dides(fleet, "deployments", "-o", "json")
    assert [(each["kind"], each["status"]) for each in json.loads(out)] == [
        ("rollback", "completed"),
        ("deploy", "failed"),
        ("deploy", "completed"),
    ]
    code, out, _ = await dides(fleet, "deployment", "2", "--state", "failed", "-o", "json")
    assert [target["instance"] for target in json.loads(out)["targets"]] == ["web-1"]
    code, out, _ = await dides(fleet, "events", "--deployment", "1", "-o", "json")
    assert json.loads(out)[0]["kind"] == "deployment.triggered"
    assert (await dides(fleet, "pause"))[0] == 4
    assert (await dides(fleet, "decommission", "web-2", "--yes"))[0] == 0
    assert (await dides(fleet, "instance", "web-2"))[0] == 4


class Terminal:
    """A command with somebody at a terminal: standard input and standard error; standard output is a pipe."""

    def __init__(self, command: subprocess.Popen[bytes], end: int) -> None:
        self._command = command
        self._end = end

    @classmethod
    def run(cls, *arguments: str, **variables: str) -> Self:
        """Start `dides ARGUMENTS` on a new terminal."""
        end, terminal = pty.openpty()
        command = subprocess.Popen(
            [sys.executable, "-m", "dides", *arguments],
            stdin=terminal,
            stdout=PIPE,
            stderr=terminal,
            env={**os.environ, "NO_COLOR": "1", "TERM": "xterm", **variables},
        )
        os.close(terminal)
        return cls(command, end)

    def read_until(self, text: str) -> str:
        """Read what is shown up to a text."""
        shown = ""
        while text not in shown:
            shown += self._read() or self._gone(text, shown)
        return shown

    def _read(self) -> str:
        try:
            return os.read(self._end, 4096).decode()
        except OSError:  # What Linux says when nobody has the other end open.
            return ""

    def _gone(self, text: str, shown: str) -> NoReturn:
        out, _ = self._command.communicate(timeout=PATIENCE)
        os.close(self._end)
        pytest.fail(f"it ended with {self._command.returncode} before {text!r}, after {shown!r} and {out!r}")

    def interrupt(self) -> int:
        """Press Ctrl-C, and return the exit code."""
        self._command.send_signal(signal.SIGINT)
        return self.answer("")[0]

    def answer(self, text: str) -> tuple[int, str]:
        """Type something; return the exit code, and what was printed on standard output."""
        os.write(self._end, text.encode())
        out, _ = self._command.communicate(timeout=PATIENCE)
        os.close(self._end)
        return self._command.returncode, out.decode()


async def test_on_a_terminal_nothing_is_rolled_out_without_a_yes(fleet: DemoFleet) -> None:
    await registered(fleet)
    terminal = Terminal.run("deploy", "1.0.0", "--all", "--no-wait", **variables_of(fleet))
    plan = terminal.read_until("Go ahead? [y/N]: ")
    assert "Plan: 1.0.0 to the whole fleet" in plan
    assert "Worst case: 1 instance down before it stops" in plan
    assert "The selector matches the whole fleet" in plan
    assert terminal.answer("n\n") == (130, "")
    assert json.loads((await dides(fleet, "deployments", "-o", "json"))[1]) == []


async def test_ctrl_c_at_the_question_rolls_nothing_out(fleet: DemoFleet) -> None:
    await registered(fleet)
    terminal = Terminal.run("deploy", "1.0.0", "--all", "--no-wait", **variables_of(fleet))
    terminal.read_until("Go ahead? [y/N]: ")
    assert terminal.interrupt() == 130
    assert json.loads((await dides(fleet, "deployments", "-o", "json"))[1]) == []


async def test_on_a_terminal_it_is_rolled_out_after_a_yes_and_json_stays_json(fleet: DemoFleet) -> None:
    await registered(fleet)
    terminal = Terminal.run("deploy", "1.0.0", "--all", "--no-wait", "-o", "json", *LASTING, **variables_of(fleet))
    terminal.read_until("Go ahead? [y/N]: ")
    code, out = terminal.answer("y\n")
    assert (code, json.loads(out)["id"]) == (0, 1)
    assert out.startswith("{")
    terminal = Terminal.run("deploy", "1.1.0", "--all", "--yes", **variables_of(fleet))
    assert "[y/N]" not in terminal.read_until("Deployment 1 is in flight")
    assert terminal.answer("")[0] == 4


async def test_ctrl_c_leaves_the_rollout_running_and_it_can_be_watched_again(fleet: DemoFleet) -> None:
    await registered(fleet)
    process = await start("deploy", "1.0.0", "--all", *LASTING, **variables_of(fleet))
    await read_until(process, "updating (web-1)")
    process.send_signal(signal.SIGINT)
    code, _, err = await finish(process)
    assert code == 130
    assert "deployment 1 goes on" in err
    assert "dides status --watch" in err
    assert "dides abort" in err
    code, out, err = await dides(fleet, "deploy", "1.1.0", "--all")
    assert code == 4
    assert "Deployment 1 is in flight" in err
    watching = await start("status", "--watch", **variables_of(fleet))
    await read_until(watching, "dides promote")
    assert (await dides(fleet, "promote"))[0] == 0
    code, out, _ = await finish(watching)
    assert code == 0
    assert "✔ Deployment 1 completed" in out


async def test_a_rollout_can_be_paused_resumed_and_aborted(fleet: DemoFleet) -> None:
    await registered(fleet)
    assert (await dides(fleet, "deploy", "1.0.0", "--all", "--no-wait", *LASTING))[0] == 0
    code, out, _ = await dides(fleet, "pause", "-o", "json")
    assert (code, json.loads(out)["status"]) == (0, "paused")
    watching = await start("status", "--watch", **variables_of(fleet))
    await read_until(watching, "paused; dides resume goes on")
    assert "is running" in (await dides(fleet, "resume"))[1]
    code, out, _ = await dides(fleet, "abort", "--rollback", "-o", "json")
    assert (code, json.loads(out)["status"]) == (0, "aborted")
    code, out, _ = await finish(watching)
    assert code == 3
    assert "Deployment 1 aborted" in out
    assert "Deployment 2: rollback of deployment 1" in out
