"""Standard streams that are closed, full, or left by their reader: no traceback, and 1 means a failed deployment."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.commands import PATIENCE, Ended, finish, redirected, run, start, unread
from support.processes import Processes, running

FULL = Path("/dev/full")
full_device = pytest.mark.skipif(not FULL.exists(), reason="only Linux has a device that is always full")
LASTING = ("--batch-size", "1", "--min-healthy-time", "500")
"""A rollout that is in flight for as long as a test takes."""


@pytest.fixture
async def processes(tmp_path: Path) -> AsyncIterator[Processes]:
    async with running(tmp_path, agents=1, apply='[ "$DIDES_CODE_VERSION" != bad ]') as processes:
        yield processes


async def test_a_deployment_ends_as_it_does_whatever_stream_is_closed(processes: Processes) -> None:
    for number, redirection in enumerate((">&-", "<&-", "2>&-", "<&- >&- 2>&-"), 1):
        ended = await redirected(redirection, "deploy", f"1.{number}", "--all", **variables_of(processes))
        assert (ended.code, ended.err) == (0, "")
    ended = await redirected("2>&-", "deploy", "2", "--all", "-o", "json", **variables_of(processes))
    assert (ended.code, json.loads(ended.out)["status"]) == (0, "completed")
    ended = await redirected(">&-", "deploy", "bad", "--all", **variables_of(processes))
    assert (ended.code, ended.err) == (1, "")


@full_device
async def test_a_full_disk_keeps_no_deployment_from_its_end(processes: Processes) -> None:
    ended = await redirected("2>/dev/full", "deploy", "1", "--all", "-o", "json", **variables_of(processes))
    assert (ended.code, json.loads(ended.out)["status"]) == (0, "completed")
    ended = await redirected(">/dev/full", "deploy", "2", "--all", **variables_of(processes))
    assert (ended.code, ended.err) == (6, "error: standard output could not be written: No space left on device\n")
    ended = await redirected(">/dev/full", "deploy", "bad", "--all", **variables_of(processes))
    assert ended.code == 1
    listed = json.loads((await run("deployments", "-o", "json", **variables_of(processes))).out)
    assert [each["status"] for each in listed] == ["completed", "failed", "completed", "completed"]


async def test_a_reader_that_leaves_ends_the_watching_and_not_the_rollout(processes: Processes) -> None:
    ended = await unread("deploy", "1", "--all", *LASTING, **variables_of(processes))
    assert ended.code == 141
    assert "deployment 1 goes on" in ended.err
    assert "Traceback" not in ended.err
    for command in (("status", "--watch"), ("status", "-o", "json"), ("events",)):
        ended = await unread(*command, **variables_of(processes))
        assert (ended.code, "Traceback" in ended.err) == (141, False)
    in_flight = json.loads((await run("status", "-o", "json", **variables_of(processes))).out)["deployment"]
    assert in_flight["status"] == "running"


@full_device
async def test_help_and_version_say_when_they_cannot_be_read(tmp_path: Path) -> None:
    commands = (["--help"], ["deploy", "--help"], ["version"], ["--version"], ["version", "-o", "json"])
    full = await asyncio.gather(*(redirected(">/dev/full", *command) for command in commands))
    assert {(each.code, each.err.splitlines()[0]) for each in full} == {
        (6, "error: standard output could not be written: No space left on device")
    }
    assert {(each.code, each.err) for each in await asyncio.gather(*map_unread(commands))} == {(141, "")}
    closed = await asyncio.gather(*(redirected(">&-", *command) for command in commands))
    assert {(each.code, each.err) for each in closed} == {(0, "")}


def map_unread(commands: tuple[list[str], ...]) -> list[asyncio.Task[Ended]]:
    return [asyncio.ensure_future(unread(*command)) for command in commands]


@full_device
async def test_a_usage_error_keeps_its_code(tmp_path: Path) -> None:
    for redirection in ("2>&-", "2>/dev/full", ">&-"):
        assert (await redirected(redirection, "deploy", "--no-such-flag")).code == 2


def variables_of(processes: Processes) -> dict[str, str]:
    return {"DIDES_SERVER": processes.url, "DIDES_DATA_DIR": str(processes.data.path), "NO_COLOR": "1"}


async def test_a_request_to_terminate_ends_the_watching_and_not_the_rollout(processes: Processes) -> None:
    watching = await start("deploy", "1", "--all", *LASTING, **{**variables_of(processes), "PYTHONUNBUFFERED": "1"})
    assert watching.stdout is not None
    async with asyncio.timeout(PATIENCE):
        while b"updating" not in await watching.stdout.readline():
            pass
    watching.terminate()
    ended = await finish(watching)
    assert (ended.code, "deployment 1 goes on" in ended.err, "Traceback" in ended.err) == (143, True, False)
