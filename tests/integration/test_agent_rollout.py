"""A whole agent is told, applies, checks and reports."""

import time
from pathlib import Path

import pytest
from msgspec import UNSET

from dides.agent.persisted import Attempt, Memory, Standing
from dides.model.state import State, Status
from support.agent_coordinator import AgentCoordinator
from support.running_agent import make_settings, read_lines, remember, run_agent, until, until_lines

V1, V2 = State("1.0", "c1"), State("2.0", "c2")


@pytest.fixture
def coordinator() -> AgentCoordinator:
    return AgentCoordinator()


async def test_it_registers_and_reports(coordinator: AgentCoordinator, tmp_path: Path) -> None:
    async with run_agent(coordinator, make_settings(tmp_path)):
        first = await coordinator.until_heartbeat(status=Status.HEALTHY)
        assert (first.code_version, first.configuration_version, first.message) == (None, None, "")
        assert first.observed is UNSET
        await coordinator.until_heartbeat(observed=0)
    instance = coordinator.registrations[0].instance
    assert (instance.name, instance.ip, instance.labels) == ("web-1", "10.0.0.1", {"env": "test"})


async def test_a_telling_is_applied_long_before_the_next_heartbeat(
    coordinator: AgentCoordinator, tmp_path: Path
) -> None:
    settings = make_settings(tmp_path, apply=f"echo $DIDES_CODE_VERSION >> {tmp_path}/applied")
    async with run_agent(coordinator, settings):
        await coordinator.until_heartbeat(observed=0)
        began = time.monotonic()
        await coordinator.assign(V1)
        done = await coordinator.until_heartbeat(code_version="1.0", status=Status.HEALTHY)
        assert time.monotonic() - began < coordinator.heartbeat_interval / 5
    assert (done.observed, done.configuration_version) == (1, "c1")
    assert read_lines(tmp_path / "applied") == ["1.0"]


async def test_it_reports_that_it_applies(coordinator: AgentCoordinator, tmp_path: Path) -> None:
    gate = f"while ! [ -e {tmp_path}/go ]; do sleep 0.01; done"
    async with run_agent(coordinator, make_settings(tmp_path, apply=gate)):
        await coordinator.assign(V1)
        applying = await coordinator.until_heartbeat(message="applying")
        assert (applying.status, applying.observed, applying.code_version) == (Status.DEGRADED, 1, None)
        (tmp_path / "go").touch()
        await coordinator.until_heartbeat(code_version="1.0", status=Status.HEALTHY)


async def test_the_commands_see_where_from_where_to_and_why(coordinator: AgentCoordinator, tmp_path: Path) -> None:
    names = ("CODE_VERSION", "CONFIGURATION_VERSION", "PREVIOUS_CODE_VERSION", "PREVIOUS_CONFIGURATION_VERSION")
    values = " ".join(f"$DIDES_{name}" for name in (*names, "INSTANCE", "DEPLOYMENT"))
    settings = make_settings(
        tmp_path, apply=f"echo {values} >> {tmp_path}/apply", check=f"echo {values} >> {tmp_path}/check"
    )
    remember(tmp_path, Memory(name="web-1", standing=Standing(generation=1, applied=V1)))
    async with run_agent(coordinator, settings):
        await coordinator.assign(State("2.0"), generation=2, deployment_id=42)
        assert await until_lines(tmp_path / "apply") == ["2.0 c1 1.0 c1 web-1 42"]
        await until(lambda: "2.0 c1 1.0 c1 web-1 42" in read_lines(tmp_path / "check"))


async def test_without_a_command_a_version_counts_as_applied(coordinator: AgentCoordinator, tmp_path: Path) -> None:
    async with run_agent(coordinator, make_settings(tmp_path)):
        await coordinator.assign(V1)
        await coordinator.until_heartbeat(code_version="1.0", status=Status.HEALTHY, observed=1)


async def test_what_is_met_is_adopted_and_reported_at_once(coordinator: AgentCoordinator, tmp_path: Path) -> None:
    settings = make_settings(tmp_path, apply=f"echo once >> {tmp_path}/applied")
    async with run_agent(coordinator, settings):
        await coordinator.assign(V1)
        await coordinator.until_heartbeat(code_version="1.0", observed=1)
        await coordinator.assign(V1)
        await coordinator.until_heartbeat(status=Status.HEALTHY, observed=2)
    assert read_lines(tmp_path / "applied") == ["once"]


async def test_a_failed_apply_is_reported_and_tried_again_only_when_told_anew(
    coordinator: AgentCoordinator, tmp_path: Path
) -> None:
    command = f"echo $DIDES_CODE_VERSION >> {tmp_path}/applied; echo no disk >&2; [ -e {tmp_path}/disk ]"
    coordinator.heartbeat_interval = 0.1
    async with run_agent(coordinator, make_settings(tmp_path, apply=command)):
        await coordinator.assign(V1)
        failed = await coordinator.until_heartbeat(status=Status.FAILED, observed=1)
        assert failed.message == "the apply exited with 1: no disk"
        assert failed.code_version is None
        count = len(coordinator.heartbeats)
        await coordinator.until(lambda: len(coordinator.heartbeats) > count + 3)
        assert {beat.status for beat in coordinator.heartbeats[count:]} == {Status.FAILED}
        assert read_lines(tmp_path / "applied") == ["1.0"]
        (tmp_path / "disk").touch()
        await coordinator.assign(V1)
        await coordinator.until_heartbeat(status=Status.HEALTHY, observed=2, code_version="1.0")
    assert read_lines(tmp_path / "applied") == ["1.0", "1.0"]


async def test_a_failure_stays_over_a_restart(coordinator: AgentCoordinator, tmp_path: Path) -> None:
    settings = make_settings(tmp_path, apply=f"echo once >> {tmp_path}/applied; exit 3")
    async with run_agent(coordinator, settings):
        await coordinator.assign(V1)
        await coordinator.until_heartbeat(status=Status.FAILED, observed=1)
    coordinator.heartbeats.clear()
    async with run_agent(coordinator, settings):
        first = await coordinator.until_heartbeat()
        await coordinator.until(lambda: len(coordinator.registrations) == 2)
    assert (first.status, first.message, first.observed) == (Status.FAILED, "the apply exited with 3", 1)
    assert read_lines(tmp_path / "applied") == ["once"]


async def test_an_apply_that_takes_too_long_has_failed(coordinator: AgentCoordinator, tmp_path: Path) -> None:
    settings = make_settings(tmp_path, apply="echo working; exec sleep 60", apply_timeout=0.2)
    async with run_agent(coordinator, settings):
        await coordinator.assign(V1)
        failed = await coordinator.until_heartbeat(status=Status.FAILED)
    assert failed.message == "the apply took more than 0.2 s and was ended: working"


async def test_a_telling_during_an_apply_waits_and_the_newest_counts(
    coordinator: AgentCoordinator, tmp_path: Path
) -> None:
    command = f"echo $DIDES_CODE_VERSION >> {tmp_path}/applied; while ! [ -e {tmp_path}/go ]; do sleep 0.01; done"
    async with run_agent(coordinator, make_settings(tmp_path, apply=command)):
        await coordinator.assign(V1)
        await until_lines(tmp_path / "applied")
        await coordinator.assign(V2)
        requests = coordinator.requests
        await coordinator.until(lambda: coordinator.requests > requests)
        await coordinator.assign(State("3.0", "c3"))
        (tmp_path / "go").touch()
        await coordinator.until_heartbeat(code_version="3.0", status=Status.HEALTHY, observed=3)
    assert read_lines(tmp_path / "applied") == ["1.0", "3.0"]


async def test_after_an_apply_it_checks_again_quickly_until_healthy(
    coordinator: AgentCoordinator, tmp_path: Path
) -> None:
    check = f"echo . >> {tmp_path}/checks; [ $(wc -l < {tmp_path}/checks) -ge 4 ] || {{ echo starting; exit 1; }}"
    async with run_agent(coordinator, make_settings(tmp_path, apply=f"rm -f {tmp_path}/checks", check=check)):
        await coordinator.until_heartbeat(status=Status.HEALTHY)
        coordinator.heartbeats.clear()
        began = time.monotonic()
        await coordinator.assign(V1)
        await coordinator.until_heartbeat(message="the check exited with 1: starting", observed=1)
        await coordinator.until_heartbeat(status=Status.HEALTHY, observed=1, code_version="1.0")
        assert time.monotonic() - began < coordinator.heartbeat_interval / 5


async def test_a_check_that_fails_within_the_grace_is_degraded_and_failed_after_it(
    coordinator: AgentCoordinator, tmp_path: Path
) -> None:
    settings = make_settings(tmp_path, apply="true", check="echo down; exit 2", check_grace=0.3)
    async with run_agent(coordinator, settings):
        await coordinator.assign(V1)
        graced = await coordinator.until_heartbeat(status=Status.DEGRADED, code_version="1.0", message=GRACED)
        failed = await coordinator.until_heartbeat(status=Status.FAILED, code_version="1.0")
    assert failed.message == "the check exited with 2: down"
    assert coordinator.heartbeats.index(graced) < coordinator.heartbeats.index(failed)


GRACED = "within the grace of 0.3 s after an apply: the check exited with 2: down"


async def test_a_check_that_hangs_is_failed(coordinator: AgentCoordinator, tmp_path: Path) -> None:
    async with run_agent(coordinator, make_settings(tmp_path, check="exec sleep 60", check_timeout=0.1)):
        failed = await coordinator.until_heartbeat(status=Status.FAILED)
    assert failed.message == "the check took more than 0.1 s and was ended"


async def test_no_check_runs_during_an_apply(coordinator: AgentCoordinator, tmp_path: Path) -> None:
    check = f"[ -e {tmp_path}/stuck ] || exit 0; echo . >> {tmp_path}/checking; exec sleep 60"
    apply = f"rm {tmp_path}/stuck; [ -e {tmp_path}/checking ] && sleep 0.1; echo . >> {tmp_path}/applied"
    (tmp_path / "stuck").touch()
    async with run_agent(coordinator, make_settings(tmp_path, apply=apply, check=check)):
        await until_lines(tmp_path / "checking")
        await coordinator.assign(V1)
        await coordinator.until_heartbeat(status=Status.HEALTHY, code_version="1.0")
    assert read_lines(tmp_path / "checking") == ["."]


async def test_a_full_disk_is_reported_and_nothing_is_applied(coordinator: AgentCoordinator, tmp_path: Path) -> None:
    settings = make_settings(tmp_path, apply=f"touch {tmp_path}/applied")
    async with run_agent(coordinator, settings):
        await coordinator.until_heartbeat(observed=0)
        (tmp_path / ".memory.json.new").mkdir()  # stands in for a disk that takes no more writes
        await coordinator.assign(V1)
        failed = await coordinator.until_heartbeat(status=Status.FAILED, observed=1)
    assert isinstance(failed.message, str)
    assert failed.message.startswith("not applied: Cannot write")
    assert not (tmp_path / "applied").exists()


async def test_a_restored_backup_is_followed_after_one_time_to_live(
    coordinator: AgentCoordinator, tmp_path: Path
) -> None:
    coordinator.heartbeat_interval = 0.1
    remember(tmp_path, Memory(name="web-1", standing=Standing(generation=9, applied=V2)))
    async with run_agent(coordinator, make_settings(tmp_path, apply="true")):
        began = time.monotonic()
        await coordinator.assign(V1, generation=4)
        await coordinator.until_heartbeat(code_version="1.0", observed=4)
    assert time.monotonic() - began >= 0.3
    assert coordinator.heartbeats[0].observed == 9


async def test_stopping_is_immediate_when_idle(coordinator: AgentCoordinator, tmp_path: Path) -> None:
    async with run_agent(coordinator, make_settings(tmp_path, check="exec sleep 60")) as agent:
        await coordinator.until(lambda: bool(coordinator.registrations))
        began = time.monotonic()
        await agent.stop()
        assert time.monotonic() - began < 1


async def test_an_apply_that_was_cut_off_waits_for_the_coordinator(
    coordinator: AgentCoordinator, tmp_path: Path
) -> None:
    remember(tmp_path, Memory(name="web-1", standing=Standing(generation=3, attempt=Attempt(target=V1))))
    settings = make_settings(tmp_path, apply=f"echo $DIDES_CODE_VERSION >> {tmp_path}/applied")
    coordinator.away = True
    async with run_agent(coordinator, settings):
        await coordinator.until(lambda: coordinator.requests > 0)
        await coordinator.assign(V2, generation=4)
        await coordinator.come_back()
        await coordinator.until_heartbeat(status=Status.HEALTHY, code_version="2.0", observed=4)
    assert read_lines(tmp_path / "applied") == ["2.0"]


async def test_a_slow_first_check_does_not_keep_the_instance_silent(
    coordinator: AgentCoordinator, tmp_path: Path
) -> None:
    async with run_agent(coordinator, make_settings(tmp_path, check="exec sleep 60", interval=0.1)):
        first = await coordinator.until_heartbeat()
    assert (first.status, first.message) == (Status.DEGRADED, "not checked yet")
