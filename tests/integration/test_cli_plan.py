"""`dides plan`, whole command lines against a coordinator of a few lines."""

import json

import msgspec
import pytest

from dides.protocol.forecast import Forecast, ForecastWave, WorstCase
from support.fake_coordinator import FakeCoordinator, make_deployment, refuse
from support.run_cli import run

Capture = pytest.CaptureFixture[str]
FORECAST = Forecast(
    matched=111,
    already_at_target=1,
    unreachable=2,
    waves=[
        ForecastWave(size=1, instances=["web-001"]),
        ForecastWave(size=109, instances=[f"web-{number:03}" for number in range(2, 102)]),
    ],
    window=4,
    worst_case=WorstCase(reached=2, down_at_once=1),
    warnings=["2 of 111 instances are unreachable: \x1b[31mlook."],
)


@pytest.fixture
def coordinator() -> FakeCoordinator:
    coordinator = FakeCoordinator()
    coordinator.forecast = FORECAST
    return coordinator


def test_it_shows_who_is_told_in_which_wave_and_the_worst_case(coordinator: FakeCoordinator, capsys: Capture) -> None:
    command = "plan 1.1.0 --config 7 -l env=test -S !canary --waves 1 --failure-threshold 10%"
    assert run(coordinator, *command.split()) == 0
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        "Plan: 1.1.0 config 7 to env=test,!canary",
        "111 instances match, 1 already at the target, 2 unreachable",
        "At most 4 at once, stops when 10% failed",
        "Wave    Size  Instances",
        "1 of 2  1     web-001",
        "2 of 2  109   web-002, web-003, web-004, web-005, web-006, and 104 more",
        "Worst case: 1 instance down before it stops, 2 at the new version, 1 of them already.",
        "! 2 of 111 instances are unreachable: [31mlook.",
    ]


def test_it_sends_what_a_trigger_would_and_nothing_else(coordinator: FakeCoordinator) -> None:
    coordinator.triggered = make_deployment()
    command = "1.1.0 -l env=test --waves 1,10% --retries 2"
    assert run(coordinator, "plan", *command.split()) == 0
    assert run(coordinator, "deploy", *command.split(), "--no-wait") == 0
    planned, triggered = coordinator.requests
    assert (planned.url.path, triggered.url.path) == ("/deploy/plan", "/deploy")
    assert planned.content == triggered.content


def test_as_json_it_is_as_on_the_wire(coordinator: FakeCoordinator, capsys: Capture) -> None:
    assert run(coordinator, "plan", "1.1.0", "--all", "-o", "json") == 0
    assert json.loads(capsys.readouterr().out) == json.loads(msgspec.json.encode(FORECAST))


def test_where_nobody_is_to_be_told_there_are_no_waves(coordinator: FakeCoordinator, capsys: Capture) -> None:
    coordinator.forecast = Forecast(
        matched=1,
        already_at_target=1,
        unreachable=0,
        waves=[],
        window=0,
        worst_case=WorstCase(reached=1, down_at_once=0),
        warnings=[],
    )
    assert run(coordinator, "plan", "1.1.0", "--all") == 0
    assert capsys.readouterr().out.splitlines() == [
        "Plan: 1.1.0 to the whole fleet",
        "1 instance matches, 1 already at the target",
        "Nothing would be updated.",
    ]


def test_a_refusal_exits_with_4(coordinator: FakeCoordinator, capsys: Capture) -> None:
    coordinator.faults = [refuse(422, "labels: matches no instance")]
    assert run(coordinator, "plan", "1.1.0", "--all") == 4
    assert "matches no instance" in capsys.readouterr().err
