"""A whole agent is assigned the state that it has already: when it applies that once more, and when it does not."""

from pathlib import Path

import pytest

from dides.agent.persisted import Attempt, Memory, Standing
from dides.agent.settings import AgentSettings
from dides.model.state import ApplyRule, State, Status
from support.agent_coordinator import AgentCoordinator
from support.running_agent import make_settings, read_lines, remember, run_agent, until_lines

V1, V2 = State("1.0", "c1"), State("2.0", "c2")


@pytest.fixture
def coordinator() -> AgentCoordinator:
    return AgentCoordinator(heartbeat_interval=0.1)


def with_slot(path: Path) -> AgentSettings:
    """Return settings whose check looks at what really runs: the version in a file that the apply writes."""
    apply = f"echo $DIDES_CODE_VERSION >> {path}/runs; echo $DIDES_CODE_VERSION > {path}/slot"
    return make_settings(path, apply=apply, check=f'[ "$(cat {path}/slot)" = "$DIDES_CODE_VERSION" ] || exit 2')


async def test_what_fell_back_is_applied_again(coordinator: AgentCoordinator, tmp_path: Path) -> None:
    async with run_agent(coordinator, with_slot(tmp_path)):
        await coordinator.assign(V2)
        await coordinator.until_heartbeat(status=Status.HEALTHY, observed=1)
        (tmp_path / "slot").write_text("1.0\n")
        await coordinator.until_heartbeat(status=Status.FAILED, observed=1)
        await coordinator.assign(V2)
        await coordinator.until_heartbeat(status=Status.HEALTHY, observed=2, code_version="2.0")
    assert read_lines(tmp_path / "runs") == ["2.0", "2.0"]
    assert not [beat for beat in coordinator.heartbeats if beat.observed == 2 and beat.status is Status.FAILED]


async def test_what_is_well_is_not_applied_again_but_checked(coordinator: AgentCoordinator, tmp_path: Path) -> None:
    async with run_agent(coordinator, with_slot(tmp_path)):
        for generation in (1, 2):
            await coordinator.assign(V2)
            await coordinator.until_heartbeat(status=Status.HEALTHY, observed=generation)
    assert read_lines(tmp_path / "runs") == ["2.0"]


async def test_a_check_that_is_blind_to_versions_keeps_no_version_out(
    coordinator: AgentCoordinator, tmp_path: Path
) -> None:
    settings = make_settings(tmp_path, apply=f"echo $DIDES_CODE_VERSION >> {tmp_path}/runs", check="true")
    async with run_agent(coordinator, settings):
        await coordinator.until_heartbeat(status=Status.HEALTHY)
        for version in ("1.0", "2.0"):
            await coordinator.assign(State(version))
            await coordinator.until_heartbeat(status=Status.HEALTHY, code_version=version)
    assert read_lines(tmp_path / "runs") == ["1.0", "2.0"]


async def test_one_bad_moment_of_a_check_starts_no_apply_outside_the_window(
    coordinator: AgentCoordinator, tmp_path: Path
) -> None:
    async with run_agent(coordinator, with_slot(tmp_path)):
        await coordinator.assign(V2)
        await coordinator.until_heartbeat(status=Status.HEALTHY, observed=1)
        (tmp_path / "slot").write_text("away for a moment\n")
        await coordinator.until_heartbeat(status=Status.FAILED, observed=1)
        await coordinator.assign(V2, rule=ApplyRule.IF_CHANGED)
        await coordinator.until_heartbeat(status=Status.FAILED, observed=2)
        (tmp_path / "slot").write_text("2.0\n")
        await coordinator.until_heartbeat(status=Status.HEALTHY, observed=2)
    assert read_lines(tmp_path / "runs") == ["2.0"]


async def test_force_applies_what_is_well(coordinator: AgentCoordinator, tmp_path: Path) -> None:
    async with run_agent(coordinator, with_slot(tmp_path)):
        await coordinator.assign(V2)
        await coordinator.until_heartbeat(status=Status.HEALTHY, observed=1)
        await coordinator.assign(V2, rule=ApplyRule.ALWAYS)
        await coordinator.until_heartbeat(status=Status.HEALTHY, observed=2)
    assert read_lines(tmp_path / "runs") == ["2.0", "2.0"]


async def test_without_a_check_the_last_success_counts(coordinator: AgentCoordinator, tmp_path: Path) -> None:
    async with run_agent(coordinator, make_settings(tmp_path, apply=f"echo once >> {tmp_path}/runs")):
        for generation in (1, 2):
            await coordinator.assign(V2)
            await coordinator.until_heartbeat(status=Status.HEALTHY, observed=generation)
    assert read_lines(tmp_path / "runs") == ["once"]


async def test_of_two_assignments_during_the_check_the_newer_one_counts(
    coordinator: AgentCoordinator, tmp_path: Path
) -> None:
    check = (
        f"echo . >> {tmp_path}/checks; [ -e {tmp_path}/go ] || {{ while ! [ -e {tmp_path}/go ]; do sleep 0.01; done; }}"
    )
    remember(tmp_path, Memory(name="web-1", standing=Standing(generation=1, applied=V1)))
    settings = make_settings(tmp_path, apply=f"echo $DIDES_CODE_VERSION >> {tmp_path}/runs", check=check)
    async with run_agent(coordinator, settings):
        await until_lines(tmp_path / "checks")
        await coordinator.assign(V1, generation=2)
        await coordinator.assign(V2)
        requests = coordinator.requests
        await coordinator.until(lambda: coordinator.requests > requests + 1)
        (tmp_path / "go").touch()
        await coordinator.until_heartbeat(status=Status.HEALTHY, observed=3)
    assert read_lines(tmp_path / "runs") == ["2.0"]


async def test_what_was_cut_off_three_times_is_failed_and_not_begun_again(
    coordinator: AgentCoordinator, tmp_path: Path
) -> None:
    attempt = Attempt(target=V2, begun=3)
    remember(tmp_path, Memory(name="web-1", standing=Standing(generation=4, applied=V1, attempt=attempt)))
    async with run_agent(coordinator, make_settings(tmp_path, apply=f"echo . >> {tmp_path}/runs")):
        await coordinator.assign(V2, generation=4)
        failed = await coordinator.until_heartbeat(status=Status.FAILED, observed=4)
        count = len(coordinator.heartbeats)
        await coordinator.until(lambda: len(coordinator.heartbeats) > count + 3)
        assert read_lines(tmp_path / "runs") == []
        await coordinator.assign(V2)
        await coordinator.until_heartbeat(status=Status.HEALTHY, observed=5)
    assert failed.message == "the apply was cut off 3 times"
    assert read_lines(tmp_path / "runs") == ["."], "another generation is another try"


async def test_what_is_adopted_is_reported_as_the_check_found_it_just_now(
    coordinator: AgentCoordinator, tmp_path: Path
) -> None:
    """An earlier verdict under the new generation would fail a target that is well."""
    settings = make_settings(tmp_path, apply="true", check=f"echo . >> {tmp_path}/checks; [ -e {tmp_path}/well ]")
    remember(tmp_path, Memory(name="web-1", standing=Standing(generation=1, applied=V1)))
    coordinator.heartbeat_interval = 10
    async with run_agent(coordinator, settings):
        await until_lines(tmp_path / "checks", 5)  # the next one follows in 1.6 s
        (tmp_path / "well").touch()
        await coordinator.assign(V1, generation=2)
        await coordinator.until_heartbeat(observed=2)
    assert {beat.status for beat in coordinator.heartbeats if beat.observed == 2} == {Status.HEALTHY}
