"""Whole command lines of `dides rehearse`, without a coordinator and against one of a few lines."""

import json
from concurrent.futures.process import BrokenProcessPool
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from dides.cli.rehearse import command
from dides.model.deployment import DeploymentStatus, TargetState
from dides.model.state import State, Status
from dides.protocol.forecast import Forecast, WorstCase
from dides.protocol.messages import Configuration, Target
from support.fake_coordinator import NOON, FakeCoordinator, make_deployment, make_instance, make_progress, make_target
from support.run_cli import run_cli

Capture = pytest.CaptureFixture[str]
MADE_UP = "--instances 4 --batch-size 2 --duration 10 --runs 3"


def run(arguments: str, coordinator: FakeCoordinator | None = None) -> int:
    transport = (coordinator or FakeCoordinator()).transport
    connection = ("--server", "http://coordinator.test", "--token", "secret")
    return run_cli(transport, "rehearse", *arguments.split(), *connection)


def answer_to(arguments: str, capsys: Capture, coordinator: FakeCoordinator | None = None) -> Any:
    assert run(f"{arguments} -o json", coordinator) == 0
    return json.loads(capsys.readouterr().out)


def updated(seconds: float, state: TargetState = TargetState.SUCCEEDED) -> Target:
    """A target that was told at noon and finished so many seconds later."""
    return msgspec.structs.replace(make_target(state=state), finished_at=NOON + timedelta(seconds=seconds))


def plan_of(matched: int, *, there: int = 0, unreachable: int = 0) -> Forecast:
    return Forecast(
        matched=matched,
        already_at_target=there,
        unreachable=unreachable,
        waves=[],
        window=1,
        worst_case=WorstCase(reached=1, down_at_once=1),
        warnings=[],
    )


@pytest.fixture
def coordinator() -> FakeCoordinator:
    """A coordinator whose deployment 42 updated two instances in 8 s each, and failed on one."""
    fake = FakeCoordinator()
    fake.deployments[42] = [
        make_deployment(status=DeploymentStatus.FAILED, progress=make_progress(succeeded=2, failed=1))
    ]
    fake.targets[42] = [updated(8), updated(8), updated(90, TargetState.FAILED)]
    fake.forecast = plan_of(3)
    return fake


def test_a_made_up_rollout_needs_no_coordinator(capsys: Capture) -> None:
    fake = FakeCoordinator()
    answer = answer_to(MADE_UP, capsys, fake)
    assert fake.requests == []
    assert answer["fleet"] == {"instances": 4, "already_at_target": 0, "unreachable": 0, "unhealthy": 0}
    assert answer["results"]["total_time"] == {
        "runs": 3, "min": 20.0, "p5": 20.0, "p50": 20.0, "p95": 20.0, "max": 20.0, "mean": 20.0
    }  # fmt: skip
    assert answer["results"]["completing"]["completed"] == 3
    assert answer["results"]["reached_before_stop"] is None
    assert (answer["runs"], answer["seed"]) == (3, 1)


def test_the_answer_says_what_was_assumed(capsys: Capture) -> None:
    options = "--duration-spread 2 --failure-rate 12.5% --lost-rate 1% --time-to-live 60 --waves 1,50% --retries 2"
    answer = answer_to(f"{MADE_UP} {options} --seed 5", capsys)
    assert answer["assumptions"] == {
        "durations": {"source": "given", "mean": 10.0, "spread": 2.0, "updates": None, "deployments": []},
        "failure_rate": 0.125,
        "failure_rate_source": "given",
        "lost_rate": 0.01,
        "time_to_live": 60.0,
    }
    configuration = Configuration(batch_size=2, waves=(1, "50%"), retries=2)
    assert answer["configuration"] == json.loads(msgspec.json.encode(configuration))
    assert answer["seed"] == 5


def test_the_policy_is_the_one_that_is_played(capsys: Capture) -> None:
    results = answer_to(f"{MADE_UP} --failure-rate 100% --failure-threshold 2 --no-auto-rollback", capsys)["results"]
    assert results["stopped_by"] == {"failure threshold reached": 3}
    assert results["reached_before_stop"]["p50"] == 3
    assert results["rollback_time"] is None


def test_the_same_seed_prints_the_same(capsys: Capture) -> None:
    uncertain = f"{MADE_UP} --duration-spread 3 --failure-rate 10%"
    first = answer_to(uncertain, capsys)
    assert answer_to(uncertain, capsys) == first
    assert answer_to(f"{uncertain} --seed 2", capsys) != first


def test_a_made_up_fleet_is_spread_over_as_many_values_as_given(capsys: Capture) -> None:
    # Two zones of two, one of each zone at a time.
    answer = answer_to(f"{MADE_UP} --spread-by zone --spread-values 2", capsys)
    assert answer["results"]["total_time"]["max"] == 20.0
    # Four zones of one: a window of 2 is a share of 1 each.
    assert answer_to(f"{MADE_UP} --spread-by zone --spread-values 4", capsys)["results"]["most_down"]["max"] == 2


def test_the_report_is_readable_without_colour(capsys: Capture) -> None:
    assert run(f"{MADE_UP} --failure-rate 100%") == 0
    output = capsys.readouterr()
    lines = output.out.splitlines()
    assert lines[0] == "Rehearsed 3 runs with seed 1: 4 instances; 2 at a time, failure threshold 1."
    assert lines[1] == "An update takes 10.0 s on average (standard deviation 0.0 s); 100 % fail."
    assert "Completes in 0 of 3 runs: 0 % (95 % confidence: 0 % to 56.2 %)" in lines
    assert "Stopped in 3 runs: failure threshold reached" in lines
    rows = {line[:24].strip(): line[24:].split() for line in lines if line[24:].strip()}
    assert rows["Reached before stop"] == ["2"] * 6 + ["3"]
    assert "\x1b" not in output.out
    assert output.err == ""


def test_fleet_durations_and_failures_come_from_the_coordinator(capsys: Capture, coordinator: FakeCoordinator) -> None:
    answer = answer_to("1.2.0 -l env=test -S !canary --batch-size 3 --runs 2", capsys, coordinator)
    assert answer["assumptions"]["durations"] == {
        "source": "recorded", "mean": 8.0, "spread": 0.0, "updates": 2, "deployments": [42]
    }  # fmt: skip
    assert answer["assumptions"]["failure_rate"] == pytest.approx(1 / 3)
    assert answer["assumptions"]["failure_rate_source"] == "recorded"
    assert answer["fleet"]["instances"] == 3
    (body,) = coordinator.bodies("POST", "/deploy/plan")
    assert body == {
        "code_version": "1.2.0",
        "labels": {"env": "test"},
        "selector": "!canary",
        "configuration": json.loads(msgspec.json.encode(Configuration(batch_size=3))),
    }


def test_a_plan_tells_who_is_there_already_and_who_is_unreachable(
    capsys: Capture, coordinator: FakeCoordinator
) -> None:
    coordinator.forecast = plan_of(9, there=2, unreachable=3)
    answer = answer_to("1.2.0 --all --failure-rate 0% --runs 1", capsys, coordinator)
    assert answer["fleet"] == {"instances": 9, "already_at_target": 2, "unreachable": 3, "unhealthy": 0}
    assert answer["results"]["total_time"]["max"] == 4 * 8.0


def test_the_fleet_is_looked_at_more_closely_where_the_policy_asks_for_it(
    capsys: Capture, coordinator: FakeCoordinator
) -> None:
    coordinator.instances = [
        make_instance("a", current=State("1.1.0")),
        make_instance("b", current=State("1.2.0")),
        make_instance("c", Status.FAILED, current=State("1.2.0")),
        make_instance("d", Status.UNKNOWN, reachable=False),
    ]
    answer = answer_to("1.2.0 -l env=test --max-unavailable 3 --runs 1", capsys, coordinator)
    assert answer["fleet"] == {"instances": 4, "already_at_target": 1, "unreachable": 1, "unhealthy": 1}
    (asked,) = coordinator.sent("GET", "/inventory/instances")
    assert asked.url.params["selector"] == "env=test"


def test_what_is_given_wins_over_what_was_recorded(capsys: Capture, coordinator: FakeCoordinator) -> None:
    answer = answer_to("1.2.0 --all --duration 5 --failure-rate 0% --runs 1", capsys, coordinator)
    assert answer["results"]["total_time"]["max"] == 15.0
    assert answer["assumptions"]["failure_rate_source"] == "given"
    assert coordinator.sent("GET", "/deployments") == []


def test_a_made_up_fleet_may_take_its_durations_from_the_record(capsys: Capture, coordinator: FakeCoordinator) -> None:
    answer = answer_to("--instances 2 --failure-rate 0% --runs 1", capsys, coordinator)
    assert answer["results"]["total_time"]["max"] == 16.0
    assert coordinator.sent("POST", "/deploy/plan") == []


def test_the_time_that_an_update_was_watched_for_is_not_part_of_its_duration(
    capsys: Capture, coordinator: FakeCoordinator
) -> None:
    coordinator.deployments[42] = [
        make_deployment(
            status=DeploymentStatus.COMPLETED,
            progress=make_progress(succeeded=2),
            configuration=Configuration(min_healthy_time=5.0),
        )
    ]
    answer = answer_to("1.2.0 --all --min-healthy-time 10 --runs 1", capsys, coordinator)
    assert answer["assumptions"]["durations"]["mean"] == 3.0
    assert answer["results"]["total_time"]["max"] == 3 * 13.0


def test_rollbacks_are_no_record(capsys: Capture, coordinator: FakeCoordinator) -> None:
    coordinator.deployments[43] = [
        make_deployment(43, DeploymentStatus.COMPLETED, make_progress(succeeded=1), rollback_of=42)
    ]
    coordinator.targets[43] = [updated(100)]
    assert answer_to("1.2.0 --all --runs 1", capsys, coordinator)["assumptions"]["durations"]["deployments"] == [42]


def test_without_a_record_a_duration_has_to_be_given(capsys: Capture) -> None:
    fake = FakeCoordinator()
    fake.forecast = plan_of(3)
    assert run("1.2.0 --all", fake) == 2
    assert "--duration 20 --duration-spread 5" in capsys.readouterr().err
    assert answer_to("1.2.0 --all --duration 5 --runs 1", capsys, fake)["assumptions"]["failure_rate"] == 0.0


def test_what_the_coordinator_refuses_is_refused(capsys: Capture) -> None:
    assert run("1.2.0 --all --duration 5 --failure-rate 0%") == 4
    assert "no instance matches" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("", "--instances N"),
        ("1.2.0", "which instances"),
        ("-l env=test", "what to roll out"),
        ("1.2.0 --instances 3", "leave out the version"),
        ("--instances 3 --all", "leave out the version"),
        ("--instances 0 --duration 1", "--instances"),
        ("--instances 1000001 --duration 1", "--instances"),
        ("--instances 3 --duration 0", "--duration"),
        ("--instances 3 --duration -1", "--duration"),
        ("--instances 3 --duration nan", "--duration"),
        ("--instances 3 --duration 1 --duration-spread -1", "--duration-spread"),
        ("--instances 3 --duration-spread 1", "give both"),
        ("--instances 3 --duration 1 --failure-rate 101%", "--failure-rate"),
        ("--instances 3 --duration 1 --failure-rate -1%", "--failure-rate"),
        ("--instances 3 --duration 1 --failure-rate 2", 'such as "2%"'),
        ("--instances 3 --duration 1 --lost-rate x", "--lost-rate"),
        ("--instances 3 --duration 1 --time-to-live 0", "--time-to-live"),
        ("--instances 3 --duration 1 --runs 0", "--runs"),
        ("--instances 3 --duration 1 --runs 100001", "--runs"),
        ("--instances 3 --duration 1 --processes 0", "--processes"),
        ("--instances 3 --duration 1 --batch-size 0", "--batch-size"),
        ("--instances 3 --duration 1 --spread-by zone", "--spread-values 3"),
        ("--instances 3 --duration 1 --spread-values 3", "--spread-by"),
        ("--instances 3 --duration 1 --spread-by zone --spread-values 101", "--spread-values"),
        ("1.2.0 --all --spread-by zone --spread-values 3", "--spread-values"),
        ("--instances 3 --duration 1 --plot out.txt", "endings"),
        ("--instances 3 --duration 1 --plot no/such/out.png", "no directory"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_asked(arguments: str, says: str, capsys: Capture) -> None:
    fake = FakeCoordinator()
    assert run(arguments, fake) == 2
    assert says in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert fake.requests == []


@pytest.mark.parametrize(
    ("ended_by", "code", "says"), [(KeyboardInterrupt(), 130, ""), (BrokenProcessPool(), 6, "--processes 1")]
)
def test_a_rehearsal_that_is_cut_off_ends_without_a_traceback(
    ended_by: BaseException, code: int, says: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def play(*_: object) -> None:
        raise ended_by

    monkeypatch.setattr(command, "play", play)
    assert run(MADE_UP) == code
    output = capsys.readouterr()
    assert output.out == ""
    assert says in output.err
