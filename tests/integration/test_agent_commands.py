"""Real shell commands: what ends them, what they leave behind, and what is kept of their output."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dides.agent.process.command import Ended, run_command
from dides.agent.process.output import Output
from dides.agent.process.process_groups import Process, end_group, end_leftover, identify, signal_group
from support.running_agent import until, until_lines


@pytest.fixture
def output(tmp_path: Path) -> Iterator[Output]:
    with Output(tmp_path / "output.log") as opened:
        yield opened


async def until_gone(pid: int) -> None:
    """Wait until a process has ended."""
    await until(lambda: not runs(pid))


def runs(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and that nobody has collected yet does not."""
    try:
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat")
        return not (stat.exists() and stat.read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z")
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_the_exit_code_and_the_output_come_back(output: Output) -> None:
    ended = await run_command("echo out; echo err >&2; exit 3", {}, output, 10)
    assert ended == Ended(3, True, "out\nerr")


async def test_a_command_sees_its_variables_and_the_environment(output: Output) -> None:
    ended = await run_command('echo "$VERSION $PATH"', {"VERSION": "1.0"}, output, 10)
    assert ended.tail == f"1.0 {os.environ['PATH']}"


async def test_input_is_empty(output: Output) -> None:
    assert await run_command("cat; echo end", {}, output, 10) == Ended(0, True, "end")


async def test_output_that_is_no_text_becomes_text(output: Output) -> None:
    ended = await run_command(r"printf '\377\000ok'", {}, output, 10)
    assert ended.tail == "\ufffd\ufffdok"


async def test_endless_output_is_kept_short(output: Output, tmp_path: Path) -> None:
    ended = await run_command("head -c 30000000 /dev/zero | tr '\\0' x; echo the end", {}, output, 10)
    assert ended.tail.endswith("xthe end")
    assert len(ended.tail) < 20_000
    output.trim()
    assert (tmp_path / "output.log").stat().st_size < 100_000


async def test_a_daemon_that_holds_the_output_keeps_nobody_waiting(output: Output, tmp_path: Path) -> None:
    daemon = f"while ! [ -e {tmp_path}/go ]; do sleep 0.02; done; echo still writing; echo $? > {tmp_path}/done"
    began = time.monotonic()
    ended = await run_command(f"({daemon}) & echo started", {}, output, 10)
    assert ended == Ended(0, True, "started")
    assert time.monotonic() - began < 5
    (tmp_path / "go").touch()
    assert await until_lines(tmp_path / "done") == ["0"]


async def test_a_timeout_ends_the_whole_group(output: Output, tmp_path: Path) -> None:
    command = f"sleep 60 & echo $! > {tmp_path}/child; echo going; wait"
    ended = await run_command(command, {}, output, 0.3)
    assert (ended.in_time, ended.code, ended.tail) == (False, -signal.SIGTERM, "going")
    await until_gone(int((tmp_path / "child").read_text()))


async def test_a_group_that_ignores_sigterm_is_killed_in_the_end(tmp_path: Path) -> None:
    script = f"trap '' TERM; echo ready > {tmp_path}/ready; while :; do sleep 0.02; done"
    stubborn = await asyncio.create_subprocess_exec("/bin/sh", "-c", script, start_new_session=True)
    await until_lines(tmp_path / "ready")
    await end_group(stubborn.pid, patience=0.1)
    assert await stubborn.wait() == -signal.SIGKILL


async def test_what_a_killed_command_leaves_is_ended(output: Output, tmp_path: Path) -> None:
    ended = await run_command(f"sleep 60 & echo $! > {tmp_path}/child; kill -9 $$", {}, output, 10)
    assert (ended.in_time, ended.code) == (True, -signal.SIGKILL)
    await until_gone(int((tmp_path / "child").read_text()))


async def test_a_cancelled_command_is_killed_with_its_group(output: Output, tmp_path: Path) -> None:
    task = asyncio.create_task(
        run_command(f"trap '' TERM; sleep 60 & echo $! > {tmp_path}/child; wait", {}, output, 60)
    )
    (child,) = await until_lines(tmp_path / "child")
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    await until_gone(int(child))


async def test_a_leftover_group_is_ended() -> None:
    leftover = await asyncio.create_subprocess_exec("sleep", "60", start_new_session=True)
    process = await identify(leftover.pid)
    assert process is not None
    assert await end_leftover(process)
    assert await leftover.wait() == -signal.SIGTERM


async def test_a_group_whose_number_is_someone_elses_now_is_left_alone() -> None:
    other = await asyncio.create_subprocess_exec("sleep", "60", start_new_session=True)
    assert not await end_leftover(Process(other.pid, "an earlier birth"))
    assert signal_group(other.pid, signal.SIGKILL)
    await other.wait()


async def test_a_leftover_that_has_ended_is_no_trouble() -> None:
    process = await asyncio.create_subprocess_exec("true", start_new_session=True)
    await process.wait()
    assert await identify(process.pid) is None
