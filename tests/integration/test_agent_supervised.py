"""An apply outlives its agent: killed agents, killed supervisors, and the agents that come after them. All are real."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from dides.agent.persisted import Attempt, Standing
from dides.agent.process.apply import KEEP_LOGS
from dides.agent.process.apply_lock import LOCK, ApplyLock
from dides.agent.process.output import trim_files
from dides.agent.process.process_groups import lives
from dides.agent.process.supervisor import LIMIT, SIZE
from dides.model.state import State, Status
from support.agent_coordinator import AgentCoordinator
from support.running_agent import make_settings, read_lines, recall, run_agent, until, until_lines

V1, V2 = State("1.0", "c1"), State("2.0", "c2")


@pytest.fixture
def coordinator() -> AgentCoordinator:
    """A coordinator that knows an instance which has registered once."""
    coordinator = AgentCoordinator(heartbeat_interval=0.1)
    coordinator.credentials = frozenset({"credential-1"})
    return coordinator


def gated(path: Path, end: str = "true") -> str:
    """Return an apply that says which process it is, and whose child; waits for a file; and ends in some way."""
    say = f"echo $$ $PPID $DIDES_CODE_VERSION >> {path}/runs; echo working"
    return f"{say}; while ! [ -e {path}/go ]; do sleep 0.01; done; echo end >> {path}/ends; {end}"


async def kill_agent_in_mid_apply(path: Path, command: str, limit: float = 60) -> tuple[int, int]:
    """Kill an agent (SIGKILL) while it applies 1.0; return the processes of the apply and of its supervisor."""
    doomed = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "support.doomed_agent", str(path), command, str(limit)),
        cwd=Path(__file__).parents[1],
        stdout=asyncio.subprocess.DEVNULL,
    )
    (run,) = await until_lines(path / "runs")
    doomed.kill()
    await doomed.wait()
    apply, supervisor, _ = run.split()
    return int(apply), int(supervisor)


async def test_it_goes_on_when_its_agent_is_killed_and_the_next_agent_takes_it_up(
    coordinator: AgentCoordinator, tmp_path: Path
) -> None:
    command = gated(tmp_path)
    await kill_agent_in_mid_apply(tmp_path, command)
    await coordinator.assign(V1)
    async with run_agent(coordinator, make_settings(tmp_path, apply=command)):
        await coordinator.until_heartbeat(message="applying", status=Status.DEGRADED, observed=1)
        (tmp_path / "go").touch()
        await coordinator.until_heartbeat(status=Status.HEALTHY, code_version="1.0", observed=1)
    assert len(read_lines(tmp_path / "runs")) == 1
    assert read_lines(tmp_path / "ends") == ["end"]


@pytest.mark.parametrize(
    ("end", "status", "message"),
    [
        ("true", Status.HEALTHY, ""),
        ("echo no disk; exit 3", Status.FAILED, "the apply exited with 3: working\nno disk"),
        ("kill -9 $$", Status.FAILED, "the apply was killed by signal 9: working"),
    ],
)
async def test_what_ended_while_no_agent_ran_is_reported_by_the_next_one(
    coordinator: AgentCoordinator, tmp_path: Path, end: str, status: Status, message: str
) -> None:
    command = gated(tmp_path, end)
    await kill_agent_in_mid_apply(tmp_path, command)
    (tmp_path / "go").touch()
    await ApplyLock(tmp_path / LOCK).until_free()
    await coordinator.assign(V1)
    async with run_agent(coordinator, make_settings(tmp_path, apply=command)):
        report = await coordinator.until_heartbeat(status=status, observed=1)
    assert report.message == message
    assert len(read_lines(tmp_path / "runs")) == 1
    assert (tmp_path / LOCK).stat().st_size == SIZE, "no more room is needed than there was"


async def test_its_time_is_kept_without_an_agent(coordinator: AgentCoordinator, tmp_path: Path) -> None:
    command = gated(tmp_path)
    apply, _ = await kill_agent_in_mid_apply(tmp_path, command, limit=0.5)
    await until(lambda: not lives(apply))
    await ApplyLock(tmp_path / LOCK).until_free()
    await coordinator.assign(V1)
    async with run_agent(coordinator, make_settings(tmp_path, apply=command, apply_timeout=0.5)):
        failed = await coordinator.until_heartbeat(status=Status.FAILED, observed=1)
    assert failed.message == "the apply took more than 0.5 s and was ended: working"


async def test_a_newer_generation_waits_for_it(coordinator: AgentCoordinator, tmp_path: Path) -> None:
    command = gated(tmp_path)
    await kill_agent_in_mid_apply(tmp_path, command)
    await coordinator.assign(V2, generation=2)
    async with run_agent(coordinator, make_settings(tmp_path, apply=command)):
        await coordinator.until_heartbeat(message="applying", observed=1)
        count = len(coordinator.heartbeats)
        await coordinator.until(lambda: len(coordinator.heartbeats) > count + 3)
        assert len(read_lines(tmp_path / "runs")) == 1
        (tmp_path / "go").touch()
        await coordinator.until_heartbeat(status=Status.HEALTHY, code_version="2.0", observed=2)
    assert [line.split()[2] for line in read_lines(tmp_path / "runs")] == ["1.0", "2.0"]


async def test_an_agent_that_has_forgotten_everything_waits_for_it_too(
    coordinator: AgentCoordinator, tmp_path: Path
) -> None:
    command = gated(tmp_path)
    await kill_agent_in_mid_apply(tmp_path, command)
    (tmp_path / "memory.json").unlink()
    await coordinator.assign(V2)
    async with run_agent(coordinator, make_settings(tmp_path, apply=command)):
        await coordinator.until(lambda: coordinator.requests > 5)
        assert len(read_lines(tmp_path / "runs")) == 1
        (tmp_path / "go").touch()
        await coordinator.until_heartbeat(status=Status.HEALTHY, code_version="2.0", observed=1)


async def test_when_its_supervisor_was_killed_too_it_is_ended_and_starts_over(
    coordinator: AgentCoordinator, tmp_path: Path
) -> None:
    command = gated(tmp_path)
    apply, supervisor = await kill_agent_in_mid_apply(tmp_path, command)
    os.kill(supervisor, signal.SIGKILL)
    await coordinator.assign(V1)
    async with run_agent(coordinator, make_settings(tmp_path, apply=command)):
        await until_lines(tmp_path / "runs", 2)
        assert not lives(apply)
        (tmp_path / "go").touch()
        await coordinator.until_heartbeat(status=Status.HEALTHY, code_version="1.0", observed=1)
    assert read_lines(tmp_path / "ends") == ["end"]


@pytest.mark.parametrize("number", ["KILL", "TERM"])
async def test_what_ends_its_supervisor_every_time_is_begun_three_times(
    coordinator: AgentCoordinator, tmp_path: Path, number: str
) -> None:
    """SIGTERM is what a machine sends to everybody when it shuts down."""
    command = f"echo . >> {tmp_path}/runs; echo going; kill -{number} $PPID; exec sleep 60"
    async with run_agent(coordinator, make_settings(tmp_path, apply=command)):
        await coordinator.assign(V1)
        failed = await coordinator.until_heartbeat(status=Status.FAILED, observed=1)
        await coordinator.assign(None)
        await coordinator.until_heartbeat(status=Status.FAILED, observed=2)
    assert failed.message == "the apply was cut off 3 times: going"
    assert read_lines(tmp_path / "runs") == [".", ".", "."]


async def test_an_agent_that_is_stopped_leaves_at_once(coordinator: AgentCoordinator, tmp_path: Path) -> None:
    command = gated(tmp_path)
    settings = make_settings(tmp_path, apply=command)
    async with run_agent(coordinator, settings) as agent:
        await coordinator.assign(V1)
        await until_lines(tmp_path / "runs")
        await agent.stop()
        assert ApplyLock(tmp_path / LOCK).held
        (tmp_path / "go").touch()
        await ApplyLock(tmp_path / LOCK).until_free()
    async with run_agent(coordinator, settings):
        await coordinator.until_heartbeat(status=Status.HEALTHY, code_version="1.0", observed=1)
    assert len(read_lines(tmp_path / "runs")) == 1


async def test_an_agent_that_is_to_wait_reports_its_end(coordinator: AgentCoordinator, tmp_path: Path) -> None:
    async with run_agent(coordinator, make_settings(tmp_path, apply=gated(tmp_path), wait_for_apply=True)) as agent:
        await coordinator.assign(V1)
        await until_lines(tmp_path / "runs")
        agent.ask_to_stop()
        await coordinator.until_heartbeat(message="applying")
        assert not agent.ended
        (tmp_path / "go").touch()
        await agent.end()
    assert coordinator.heartbeats[-1].code_version == "1.0"
    assert recall(tmp_path).standing == Standing(generation=1, deployment=1, applied=V1)


async def test_its_attempt_is_on_disk_before_it_begins(coordinator: AgentCoordinator, tmp_path: Path) -> None:
    command = f"cp {tmp_path}/memory.json {tmp_path}/copy; echo . >> {tmp_path}/runs"
    async with run_agent(coordinator, make_settings(tmp_path, apply=command)):
        await coordinator.assign(V1)
        await until_lines(tmp_path / "runs")
    (tmp_path / "copied").mkdir(mode=0o700)
    (tmp_path / "copy").rename(tmp_path / "copied" / "memory.json")
    attempt = recall(tmp_path / "copied").standing.attempt
    assert attempt is not None
    assert attempt == Attempt(target=V1, begun=1, run=attempt.run)
    assert attempt.run


async def test_who_waits_for_the_end_of_the_agents_streams_does_not_wait_for_an_apply(
    coordinator: AgentCoordinator, tmp_path: Path
) -> None:
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    async with run_agent(coordinator, make_settings(tmp_path, apply=gated(tmp_path))):
        await coordinator.assign(V1)
        await until_lines(tmp_path / "runs")
        os.close(writing)
        assert os.read(reading, 1) == b"", "nobody else holds it"
    os.close(reading)


async def test_what_a_daemon_of_an_old_apply_writes_is_kept_short(
    coordinator: AgentCoordinator, tmp_path: Path
) -> None:
    chatter = f"while [ ! -e {tmp_path}/stop ]; do head -c 200000 /dev/zero; sleep 0.01; done"
    daemon = f"[ $DIDES_CODE_VERSION = 1 ] && {{ {chatter}; echo . >> {tmp_path}/ended; }} & true"
    async with run_agent(coordinator, make_settings(tmp_path, apply=daemon)):
        for version in range(1, 8):
            await coordinator.assign(State(str(version)))
            await coordinator.until_heartbeat(status=Status.HEALTHY, code_version=str(version))
        held = oldest_log(tmp_path)
        await until(lambda: held.stat().st_size > LIMIT)
        await until(lambda: size_when_cut_back(held) <= LIMIT)
        (tmp_path / "stop").touch()
        await until_lines(tmp_path / "ended")
        await coordinator.assign(State("8"))
        await coordinator.until_heartbeat(status=Status.HEALTHY, code_version="8")
        assert not held.exists(), "nobody writes to it any more"


def oldest_log(path: Path) -> Path:
    """Return the one file of output that is older than those that are kept."""
    (held,) = [log for log in path.glob("apply.log.*") if int(log.suffix[1:]) > KEEP_LOGS]
    return held


def size_when_cut_back(log: Path) -> int:
    """Return the size of a file of output after the agent has cut it back."""
    trim_files(log.with_suffix(""))
    return log.stat().st_size
