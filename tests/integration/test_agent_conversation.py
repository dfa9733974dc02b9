"""A whole agent and a coordinator that is away, full, forgetful, older, or has had enough of it."""

from functools import partial
from pathlib import Path

import pytest
from msgspec import UNSET

from dides.agent.errors import DecommissionedError, SettingError
from dides.agent.persisted import Memory
from dides.model.state import State, Status
from support.agent_coordinator import AgentCoordinator
from support.running_agent import make_settings, read_lines, recall, remember, run_agent, until, until_lines

V1 = State("1.0")


@pytest.fixture
def coordinator() -> AgentCoordinator:
    return AgentCoordinator()


async def test_it_registers_when_the_coordinator_comes(coordinator: AgentCoordinator, tmp_path: Path) -> None:
    coordinator.away = True
    async with run_agent(coordinator, make_settings(tmp_path)):
        await coordinator.until(lambda: coordinator.requests >= 2)
        await coordinator.come_back()
        await coordinator.until_heartbeat(status=Status.HEALTHY)


async def test_it_registers_when_the_name_is_free(coordinator: AgentCoordinator, tmp_path: Path) -> None:
    coordinator.name_is_taken = True
    async with run_agent(coordinator, make_settings(tmp_path)):
        await coordinator.until(lambda: len(coordinator.registrations) >= 2)
        coordinator.name_is_taken = False
        await coordinator.until_heartbeat(status=Status.HEALTHY)


async def test_it_registers_when_the_token_is_valid(
    coordinator: AgentCoordinator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    coordinator.token = "another"
    async with run_agent(coordinator, make_settings(tmp_path)):
        await coordinator.until(lambda: len(coordinator.registrations) >= 2)
        assert "A valid credential is needed" in capsys.readouterr().out
        coordinator.token = "token"
        await coordinator.until_heartbeat(status=Status.HEALTHY)


@pytest.mark.parametrize(
    ("field", "flag"),
    [("instance.name", "--name"), ("instance.ip", "--ip"), ("instance.labels.env", "--label"), ("token", "--token")],
)
async def test_a_registration_that_can_never_succeed_ends_it(
    coordinator: AgentCoordinator, tmp_path: Path, field: str, flag: str
) -> None:
    coordinator.refused_registration = field
    async with run_agent(coordinator, make_settings(tmp_path)) as agent:
        with pytest.raises(SettingError) as caught:
            await agent.end()
    assert (caught.value.flag, caught.value.exit_code) == (flag, 2)


async def test_a_credential_is_kept_and_used_after_a_restart(coordinator: AgentCoordinator, tmp_path: Path) -> None:
    async with run_agent(coordinator, make_settings(tmp_path)) as agent:
        await coordinator.until_heartbeat(observed=0)
        await agent.stop()
    assert recall(tmp_path).credential == "credential-1"
    coordinator.heartbeats.clear()
    async with run_agent(coordinator, make_settings(tmp_path, token=None)):
        await coordinator.until_heartbeat(observed=0)
        await coordinator.until(lambda: len(coordinator.registrations) == 2)
    assert coordinator.credentials == {"credential-1"}


async def test_labels_and_address_that_are_other_ones_are_registered_without_a_token(
    coordinator: AgentCoordinator, tmp_path: Path
) -> None:
    async with run_agent(coordinator, make_settings(tmp_path)) as agent:
        await coordinator.until_heartbeat(observed=0)
        await agent.stop()
    changed = make_settings(tmp_path, token=None, labels={"env": "other"}, ip="10.0.0.9")
    async with run_agent(coordinator, changed):
        await coordinator.until(lambda: len(coordinator.registrations) == 2)
        await coordinator.until_heartbeat(observed=0)
    again = coordinator.registrations[1]
    assert (again.instance.labels, again.instance.ip, again.token) == ({"env": "other"}, "10.0.0.9", UNSET)
    assert recall(tmp_path).credential == "credential-1"


async def test_an_address_that_changes_is_registered_while_it_runs(
    coordinator: AgentCoordinator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dides.agent.registration.LOOK_EVERY", 0.01)
    settings = make_settings(tmp_path, ip=None, server="http://127.0.0.1:8420")
    async with run_agent(coordinator, settings):
        await coordinator.until_heartbeat(observed=0)
        monkeypatch.setattr("dides.agent.registration.find_address", _another_address)
        await coordinator.until(lambda: len(coordinator.registrations) == 2)
        coordinator.heartbeats.clear()
    assert [each.instance.ip for each in coordinator.registrations] == ["127.0.0.1", "192.0.2.7"]


async def test_a_coordinator_of_an_earlier_version_that_wants_the_token_is_left_alone(
    coordinator: AgentCoordinator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    coordinator.heartbeat_interval = 0.1
    async with run_agent(coordinator, make_settings(tmp_path)) as agent:
        await coordinator.until_heartbeat(observed=0)
        await agent.stop()
    coordinator.refused_registration = "token"
    coordinator.heartbeats.clear()
    async with run_agent(coordinator, make_settings(tmp_path, token=None)):
        await coordinator.until(lambda: len(coordinator.heartbeats) >= 3)
    assert len(coordinator.registrations) == 2
    assert "address and labels stay as they were" in capsys.readouterr().out


async def test_a_registered_instance_reports_though_it_cannot_register_anew(
    coordinator: AgentCoordinator, tmp_path: Path
) -> None:
    async with run_agent(coordinator, make_settings(tmp_path)) as agent:
        await coordinator.until_heartbeat(observed=0)
        await agent.stop()
    coordinator.name_is_taken = True
    coordinator.heartbeats.clear()
    async with run_agent(coordinator, make_settings(tmp_path)):
        await coordinator.until_heartbeat(observed=0)


async def test_a_token_that_changed_since_does_not_stop_a_registered_instance(
    coordinator: AgentCoordinator, tmp_path: Path
) -> None:
    async with run_agent(coordinator, make_settings(tmp_path)) as agent:
        await coordinator.until_heartbeat(observed=0)
        await agent.stop()
    coordinator.token = "another"
    coordinator.heartbeats.clear()
    async with run_agent(coordinator, make_settings(tmp_path)):
        await coordinator.until_heartbeat(observed=0)


async def test_without_token_and_credential_it_says_what_it_needs(
    coordinator: AgentCoordinator, tmp_path: Path
) -> None:
    async with run_agent(coordinator, make_settings(tmp_path, token=None)) as agent:
        with pytest.raises(SettingError, match="--token"):
            await agent.end()


async def test_the_state_of_another_instance_is_not_touched(coordinator: AgentCoordinator, tmp_path: Path) -> None:
    remember(tmp_path, Memory(name="web-2", credential="secret"))
    with pytest.raises(SettingError, match="belongs to the instance web-2"):
        async with run_agent(coordinator, make_settings(tmp_path)):
            pass
    assert recall(tmp_path).credential == "secret"


@pytest.mark.parametrize("dev", [False, True])
async def test_a_coordinator_that_forgot_it_gets_a_new_registration(
    coordinator: AgentCoordinator, tmp_path: Path, dev: bool
) -> None:
    coordinator.dev, coordinator.heartbeat_interval = dev, 0.5
    async with run_agent(coordinator, make_settings(tmp_path)):
        await coordinator.until_heartbeat(observed=0)
        await coordinator.forget()
        await coordinator.until(lambda: len(coordinator.registrations) == 2)
        coordinator.heartbeats.clear()
        await coordinator.until_heartbeat(observed=0)
    assert recall(tmp_path).credential == "credential-2"


async def test_a_decommissioned_instance_stops(coordinator: AgentCoordinator, tmp_path: Path) -> None:
    async with run_agent(coordinator, make_settings(tmp_path)) as agent:
        await coordinator.until_heartbeat(observed=0)
        await coordinator.decommission()
        with pytest.raises(DecommissionedError, match="decommissioned") as caught:
            await agent.end()
    assert caught.value.exit_code == 5
    async with run_agent(coordinator, make_settings(tmp_path)) as agent:
        with pytest.raises(DecommissionedError):
            await agent.end()


async def test_a_decommissioned_instance_that_waits_finishes_its_apply_first(
    coordinator: AgentCoordinator, tmp_path: Path
) -> None:
    command = f"touch {tmp_path}/began; while ! [ -e {tmp_path}/go ]; do sleep 0.01; done; echo end >> {tmp_path}/ends"
    async with run_agent(coordinator, make_settings(tmp_path, apply=command, wait_for_apply=True)) as agent:
        await coordinator.assign(V1)
        await until((tmp_path / "began").exists)
        await coordinator.decommission()
        (tmp_path / "go").touch()
        with pytest.raises(DecommissionedError):
            await agent.end()
    assert read_lines(tmp_path / "ends") == ["end"]


async def test_while_the_coordinator_is_away_it_keeps_checking_and_then_reports(
    coordinator: AgentCoordinator, tmp_path: Path
) -> None:
    check = f"echo . >> {tmp_path}/checks; [ ! -e {tmp_path}/broken ]"
    async with run_agent(coordinator, make_settings(tmp_path, check=check, interval=0.1)):
        await coordinator.until_heartbeat(status=Status.HEALTHY)
        await coordinator.go_away()
        await until_lines(tmp_path / "checks", len(read_lines(tmp_path / "checks")) + 3)
        (tmp_path / "broken").touch()
        await until_lines(tmp_path / "checks", len(read_lines(tmp_path / "checks")) + 2)
        coordinator.heartbeats.clear()
        await coordinator.come_back()
        back = await coordinator.until_heartbeat()
    assert back.status is Status.DEGRADED


async def test_while_the_coordinator_is_away_it_knocks_as_often_as_it_would_report(
    coordinator: AgentCoordinator, tmp_path: Path
) -> None:
    """Its patience grew up to 30 s once, longer than a time to live: it was declared unreachable after an outage."""
    coordinator.heartbeat_interval = 0.1
    async with run_agent(coordinator, make_settings(tmp_path)):
        await coordinator.until_heartbeat(status=Status.HEALTHY)
        coordinator.away = True
        before = coordinator.requests
        # With a ceiling that doubles, so many knocks would take minutes.
        await coordinator.until(lambda: coordinator.requests >= before + 20)


async def test_an_apply_does_not_wait_for_a_coordinator_that_went_away(
    coordinator: AgentCoordinator, tmp_path: Path
) -> None:
    command = f"touch {tmp_path}/began; while ! [ -e {tmp_path}/go ]; do sleep 0.01; done; echo end >> {tmp_path}/ends"
    async with run_agent(coordinator, make_settings(tmp_path, apply=command)):
        await coordinator.assign(V1)
        await until((tmp_path / "began").exists)
        await coordinator.go_away()
        (tmp_path / "go").touch()
        await until_lines(tmp_path / "ends")
        await coordinator.come_back()
        await coordinator.until_heartbeat(status=Status.HEALTHY, code_version="1.0")


async def test_a_field_that_an_older_coordinator_refuses_is_left_out(
    coordinator: AgentCoordinator, tmp_path: Path
) -> None:
    coordinator.refused_fields = frozenset({"observed", "message", "session"})
    async with run_agent(coordinator, make_settings(tmp_path)):
        await coordinator.assign(V1)
        beat = await coordinator.until_heartbeat(code_version="1.0", status=Status.HEALTHY)
    assert (beat.observed, beat.message, beat.session, beat.sequence) == (UNSET, UNSET, UNSET, UNSET)


async def test_each_process_numbers_its_reports_under_a_session_of_its_own(
    coordinator: AgentCoordinator, tmp_path: Path
) -> None:
    coordinator.heartbeat_interval = 0.1
    for enough in (3, 6):
        async with run_agent(coordinator, make_settings(tmp_path)) as agent:
            await coordinator.until(partial(_has_heard, coordinator, enough))
            await agent.stop()
    numbers: dict[object, list[object]] = {}
    for beat in coordinator.heartbeats:
        numbers.setdefault(beat.session, []).append(beat.sequence)
    assert len(numbers) == 2
    assert all(given == list(range(1, len(given) + 1)) for given in numbers.values())


async def test_it_sends_heartbeats_as_often_as_the_coordinator_asks(
    coordinator: AgentCoordinator, tmp_path: Path
) -> None:
    coordinator.heartbeat_interval = 0.1
    async with run_agent(coordinator, make_settings(tmp_path, interval=60.0)):
        await coordinator.until(lambda: len(coordinator.heartbeats) >= 5)


async def test_it_sends_heartbeats_as_often_as_it_is_set_to(coordinator: AgentCoordinator, tmp_path: Path) -> None:
    coordinator.heartbeat_interval = 60.0
    async with run_agent(coordinator, make_settings(tmp_path, interval=0.1)):
        await coordinator.until(lambda: len(coordinator.heartbeats) >= 5)


async def test_its_address_is_the_one_towards_the_coordinator(coordinator: AgentCoordinator, tmp_path: Path) -> None:
    settings = make_settings(tmp_path, ip=None, server="http://127.0.0.1:8420")
    async with run_agent(coordinator, settings):
        await coordinator.until_heartbeat(observed=0)
    assert coordinator.registrations[0].instance.ip == "127.0.0.1"


async def test_a_coordinator_that_does_not_hold_queries_is_not_flooded(
    coordinator: AgentCoordinator, tmp_path: Path
) -> None:
    coordinator.holds = False
    async with run_agent(coordinator, make_settings(tmp_path, interval=0.1)):
        await coordinator.until(lambda: len(coordinator.heartbeats) >= 10)
    assert coordinator.requests - len(coordinator.heartbeats) < 20


async def _another_address(_: str) -> str:
    return "192.0.2.7"


def _has_heard(coordinator: AgentCoordinator, number: int) -> bool:
    return len(coordinator.heartbeats) >= number
