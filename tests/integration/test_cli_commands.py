"""Whole command lines, against a coordinator of a few lines: what is printed where, and the exit codes."""

import json
import re

import httpx2
import msgspec
import pytest

from dides.model.deployment import DeploymentStatus, TargetState
from dides.model.state import State, Status
from dides.protocol.messages import Configuration, Event, Wave
from support.fake_coordinator import (
    NOON,
    FakeCoordinator,
    answer,
    make_deployment,
    make_instance,
    make_progress,
    make_target,
    refuse,
)
from support.run_cli import run_cli

Capture = pytest.CaptureFixture[str]
COMPLETED = make_deployment(status=DeploymentStatus.COMPLETED, progress=make_progress(succeeded=5))
FAILED = make_deployment(
    status=DeploymentStatus.FAILED,
    progress=make_progress(failed=1, skipped=4),
    reason="1 of 5 failed: the limit is 1",
    rolled_back_by=43,
)
ABORTED = make_deployment(status=DeploymentStatus.ABORTED, progress=make_progress(succeeded=1, skipped=4))
ROLLBACK = make_deployment(43, status=DeploymentStatus.COMPLETED, progress=make_progress(succeeded=1), rollback_of=42)
DEPLOY = ("deploy", "1.1.0", "-l", "env=test", "--server", "http://coordinator.test", "--token", "secret")


def run(coordinator: FakeCoordinator, *arguments: str) -> int:
    return run_cli(coordinator.transport, *arguments, "--server", "http://coordinator.test", "--token", "secret")


@pytest.fixture
def coordinator() -> FakeCoordinator:
    return FakeCoordinator()


def test_deploy_sends_what_was_asked_for(coordinator: FakeCoordinator) -> None:
    coordinator.triggered = COMPLETED
    arguments = "deploy 1.1.0 --config 7 -l env=test -l role=web -S !canary --batch-size 25% --failure-threshold 3"
    brakes = "--waves 1,10% --wave-pause manual --min-healthy-time 10 --update-timeout 60 --deadline 3600"
    caps = "--max-unavailable 10% --spread-by zone --retries 2 --order shuffle --no-auto-rollback"
    assert run(coordinator, *arguments.split(), *brakes.split(), *caps.split()) == 0
    assert coordinator.bodies("POST", "/deploy") == [
        {
            "code_version": "1.1.0",
            "configuration_version": "7",
            "labels": {"env": "test", "role": "web"},
            "selector": "!canary",
            "configuration": {
                "batch_size": "25%",
                "failure_threshold": 3,
                "waves": [1, "10%"],
                "wave_pause": "manual",
                "min_healthy_time": 10.0,
                "update_timeout": 60.0,
                "deadline": 3600.0,
                "max_unavailable": "10%",
                "spread_by": "zone",
                "retries": 2,
                "order": "shuffle",
                "auto_rollback": False,
            },
        }
    ]
    (request,) = coordinator.requests  # and no plan: there is no terminal to show it on
    assert request.headers["Authorization"] == "Bearer secret"
    assert len(request.headers["Idempotency-Key"]) == 36


def test_deploy_prints_a_line_for_each_change(coordinator: FakeCoordinator, capsys: Capture) -> None:
    coordinator.triggered = make_deployment()
    coordinator.deployments[42] = [make_deployment(progress=make_progress(succeeded=3, updating=2)), COMPLETED]
    assert run(coordinator, *DEPLOY) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Deployment 42: 1.1.0 to env=test, 2 at a time, stops at 1 failure"
    assert [line.split("] ")[1] for line in lines[1:4]] == [
        "0/5 done, 2 updating, 3 pending",
        "3/5 done, 2 updating, 0 pending",
        "5/5 done, 0 updating, 0 pending",
    ]
    assert lines[4] == "✔ Deployment 42 completed after 1 min 30 s"


def test_deploy_shows_failures_and_then_the_rollback_and_exits_with_1(
    coordinator: FakeCoordinator, capsys: Capture
) -> None:
    coordinator.triggered = make_deployment()
    coordinator.deployments = {42: [FAILED], 43: [ROLLBACK]}
    coordinator.targets[42] = [make_target("web-1", TargetState.FAILED, reason="reported", message="exit 1: no route")]
    assert run(coordinator, *DEPLOY) == 1
    out = capsys.readouterr().out
    assert "✖ web-1 failed: reported\n    exit 1: no route\n" in out
    assert "✖ Deployment 42 failed after 1 min 30 s: 1 of 5 failed: the limit is 1\n" in out
    assert "Deployment 43: rollback of deployment 42, 2 at a time" in out
    assert "✔ Deployment 43 completed" in out


def test_deploy_prints_one_json_object_and_nothing_else_on_standard_output(
    coordinator: FakeCoordinator, capsys: Capture
) -> None:
    coordinator.triggered = make_deployment()
    coordinator.deployments = {42: [FAILED], 43: [ROLLBACK]}
    assert run(coordinator, *DEPLOY, "-o", "json") == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out) == json.loads(msgspec.json.encode(FAILED))
    assert '"created_at": "2026-01-02T12:00:00Z"' in captured.out
    assert "Deployment 42 failed" in captured.err


def test_deploy_exits_with_3_when_it_was_aborted(coordinator: FakeCoordinator) -> None:
    coordinator.triggered = make_deployment()
    coordinator.deployments[42] = [ABORTED]
    assert run(coordinator, *DEPLOY) == 3


def test_deploy_without_waiting_returns_at_once_and_says_how_to_watch(
    coordinator: FakeCoordinator, capsys: Capture
) -> None:
    coordinator.triggered = make_deployment()
    assert run(coordinator, *DEPLOY, "--no-wait") == 0
    assert "dides status --watch" in capsys.readouterr().out
    assert len(coordinator.requests) == 1


def test_a_refusal_exits_with_4_and_says_what_to_do(coordinator: FakeCoordinator, capsys: Capture) -> None:
    coordinator.faults = [refuse(409, "Deployment 7 is in flight.", deployment_id=7)]
    assert run(coordinator, *DEPLOY) == 4
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: Refused 409: Deployment 7 is in flight.\n")
    assert "dides status --watch" in captured.err


def test_a_missing_token_exits_with_4_and_says_where_one_comes_from(
    coordinator: FakeCoordinator, capsys: Capture
) -> None:
    coordinator.faults = [refuse(401)]
    assert run(coordinator, "status") == 4
    error = capsys.readouterr().err
    assert "DIDES_TOKEN" in error
    assert "operator-token" in error


def test_an_unreachable_coordinator_exits_with_4(coordinator: FakeCoordinator, capsys: Capture) -> None:
    coordinator.faults = [httpx2.ConnectError("Connection refused")]
    assert run(coordinator, "status") == 4
    error = capsys.readouterr().err
    assert error.startswith("error: http://coordinator.test cannot be reached: Connection refused\n")
    assert "dides server" in error


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("deploy", "1.0.0"), "Say which instances"),
        (("deploy", "-l", "env=test"), "Say what to roll out"),
        (("deploy", "1.0.0", "--all", "-l", "env=test"), "leave out"),
        (("deploy", "1.0.0", "-l", "env"), "KEY=VALUE"),
        (("deploy", "1.0.0", "--all", "--batch-size", "none"), "percentage"),
        (("deploy", "1.0.0", "--all", "--waves", "5,3"), "must grow from wave to wave"),
        (("plan", "1.0.0", "--all", "--min-healthy-time", "600"), "must be under update_timeout"),
        (("plan", "1.0.0"), "Say which instances"),
        (("deploy", "1.0.0", "--all", "--nonsense"), "No such option"),
        (("deploy", "1.0.0", "--all", "-o", "xml"), "xml"),
        (("instances", "-S", "a in b"), "label key"),
        (("deployment", "zero"), "integer"),
        (("decommission", "web-1"), "--yes"),
    ],
)
def test_a_wrong_command_line_exits_with_2_and_asks_the_coordinator_nothing(
    coordinator: FakeCoordinator, capsys: Capture, arguments: tuple[str, ...], says: str
) -> None:
    assert run(coordinator, *arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert says in " ".join(re.sub(r"[│╭╮╰╯─\n]", " ", captured.err).split())
    assert coordinator.requests == []


def test_an_unknown_command_exits_with_2_and_suggests(coordinator: FakeCoordinator, capsys: Capture) -> None:
    assert run_cli(coordinator.transport, "deply") == 2
    assert "Did you mean 'deploy'" in capsys.readouterr().err


def test_status_counts_the_fleet_and_shows_the_newest_deployment(coordinator: FakeCoordinator, capsys: Capture) -> None:
    coordinator.instances = [make_instance("web-1"), make_instance("web-2", Status.FAILED)]
    coordinator.deployments = {41: [make_deployment(41)], 42: [COMPLETED]}
    assert run(coordinator, "status") == 0
    out = capsys.readouterr().out
    assert "Fleet: 2 instances  ✔ 1 healthy  ! 0 degraded  ✖ 1 failed  ? 0 unknown" in out
    assert "Deployment 42" in out
    assert "Deployment 41" not in out


def test_status_as_json_is_one_object(coordinator: FakeCoordinator, capsys: Capture) -> None:
    coordinator.instances = [make_instance()]
    assert run(coordinator, "status", "-o", "json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "instances": {"total": 1, "healthy": 1, "degraded": 0, "failed": 0, "unknown": 0},
        "deployment": None,
    }


def test_status_watch_follows_the_newest_deployment_and_exits_as_it_ended(
    coordinator: FakeCoordinator, capsys: Capture
) -> None:
    coordinator.deployments = {42: [make_deployment(), make_deployment(), COMPLETED]}
    assert run(coordinator, "status", "--watch") == 0
    assert "✔ Deployment 42 completed" in capsys.readouterr().out


def test_status_watch_of_what_is_over_exits_as_it_ended(coordinator: FakeCoordinator) -> None:
    coordinator.deployments[42] = [ABORTED]
    assert run(coordinator, "status", "--watch") == 3


def test_instances_are_listed_with_symbol_and_word_and_drift(coordinator: FakeCoordinator, capsys: Capture) -> None:
    coordinator.instances = [
        make_instance("web-1", current=State("1.0.0"), desired=State("1.0.0")),
        make_instance("web-2", current=State("0.9"), desired=State("1.0.0")),
        make_instance("web-3", Status.UNKNOWN, current=State("1.0.0"), reachable=False),
        make_instance("web-5", current=State("0.9"), desired=State("1.0.0"), converging=True),
        make_instance("web-4", Status.DEGRADED, current=State("1.0.0"), desired=State("1.1.0"), message="a\napplying"),
    ]
    coordinator.deployments[42] = [make_deployment()]
    coordinator.targets[42] = [make_target("web-4")]
    assert run(coordinator, "instances", "-l", "env=test", "-S", "!canary") == 0
    assert coordinator.requests[0].url.params["selector"] == "env=test,!canary"
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == ["Name", "Status", "Current", "Desired", "Labels", "Last", "heartbeat", "Message"]
    cells = [re.split(r"\s{2,}", row.strip()) for row in rows]
    assert [(cell[0], cell[1]) for cell in cells] == [
        ("web-1", "✔ healthy"),
        ("web-2", "✔ healthy ≠ drifted"),
        ("web-3", "? unknown ! unreachable"),
        ("web-5", "✔ healthy ↻ converging"),
        ("web-4", "! degraded"),
    ]
    assert cells[4][-1] == "applying"


def test_instances_as_json_are_an_array_as_on_the_wire(coordinator: FakeCoordinator, capsys: Capture) -> None:
    coordinator.instances = [make_instance("web-1", message="größer")]
    assert run(coordinator, "instances", "--status", "healthy", "-o", "json") == 0
    assert json.loads(capsys.readouterr().out) == json.loads(msgspec.json.encode(coordinator.instances))
    assert coordinator.requests[0].url.params["status"] == "1"


def test_an_empty_list_says_so_and_as_json_is_an_empty_array(coordinator: FakeCoordinator, capsys: Capture) -> None:
    assert run(coordinator, "instances") == 0
    assert run(coordinator, "deployments", "--status", "failed") == 0
    assert run(coordinator, "events") == 0
    assert capsys.readouterr().out.splitlines() == [
        "No instance has registered yet.",
        "No such deployment.",
        "Nothing has happened yet.",
    ]
    assert run(coordinator, "instances", "-o", "json") == 0
    assert json.loads(capsys.readouterr().out) == []


def test_one_instance_is_shown_in_full(coordinator: FakeCoordinator, capsys: Capture) -> None:
    coordinator.instances = [make_instance("web-1", Status.FAILED, message="line 1\nline 2")]
    assert run(coordinator, "instance", "web-1") == 0
    facts = capsys.readouterr().out
    assert re.search(r"^Status +✖ failed *$", facts, re.MULTILINE)
    assert re.search(r"^Message +line 1 *\n +line 2 *$", facts, re.MULTILINE)


def test_deployments_are_listed(coordinator: FakeCoordinator, capsys: Capture) -> None:
    coordinator.deployments = {42: [FAILED], 43: [ROLLBACK]}
    assert run(coordinator, "deployments", "--limit", "5") == 0
    rows = [re.split(r"\s{2,}", row.strip())[:6] for row in capsys.readouterr().out.splitlines()[1:]]
    assert rows == [
        ["43", "✔ completed", "rollback of deployment 42", "env=test", "1/1", "0"],
        ["42", "✖ failed", "1.1.0", "env=test", "5/5", "1"],
    ]


def test_one_deployment_is_shown_with_its_targets(coordinator: FakeCoordinator, capsys: Capture) -> None:
    coordinator.deployments[42] = [FAILED]
    coordinator.targets[42] = [
        make_target("web-1", TargetState.FAILED, reason="reported", message="a\nno route"),
        make_target("web-2", TargetState.SKIPPED, reason="not started", told_at=None),
    ]
    assert run(coordinator, "deployment", "42") == 0
    out = capsys.readouterr().out
    assert "Rolled back by deployment 43." in out
    assert re.search(r"web-1 +✖ failed +1.0.0 +1.1.0 +\S+ \S+ +3.0 s +reported: no route", out)
    assert re.search(r"web-2 +» skipped +1.0.0 +1.1.0 +- +- +not started", out)


def test_one_deployment_is_shown_with_how_it_proceeds(coordinator: FakeCoordinator, capsys: Capture) -> None:
    configuration = Configuration(
        waves=(1, "10%"), wave_pause="manual", min_healthy_time=10, deadline=3600, spread_by="zone", retries=2
    )
    coordinator.deployments[42] = [make_deployment(configuration=configuration)]
    coordinator.targets[42] = [make_target("web-1", attempt=2), make_target("web-2")]
    assert run(coordinator, "deployment", "42") == 0
    out = capsys.readouterr().out
    for name, value in (
        ("Waves", "1, 10%, then the rest"),
        ("Between waves", "until promoted"),
        ("Minimum healthy time", "10 s"),
        ("Deadline", "3600 s"),
        ("Spread by", "zone"),
        ("Retries", "2"),
    ):
        assert re.search(rf"^{name} +{value} *$", out, re.MULTILINE), name
    assert "Order" not in out, "what is as usual is left out"
    assert re.search(r"^Instance .* Attempt", out, re.MULTILINE)
    assert re.search(r"^web-1 .* 2 *$", out, re.MULTILINE)


def test_one_deployment_as_json_has_its_targets(coordinator: FakeCoordinator, capsys: Capture) -> None:
    coordinator.deployments[42] = [FAILED]
    coordinator.targets[42] = [make_target("web-1", TargetState.FAILED), make_target("web-2", TargetState.SKIPPED)]
    assert run(coordinator, "deployment", "42", "--state", "failed", "-o", "json") == 0
    printed = json.loads(capsys.readouterr().out)
    targets = printed.pop("targets")
    assert printed == json.loads(msgspec.json.encode(FAILED))
    assert [(target["instance"], target["from"]["code_version"]) for target in targets] == [("web-1", "1.0.0")]


def test_events_are_listed_in_the_order_in_which_they_happened(coordinator: FakeCoordinator, capsys: Capture) -> None:
    data: dict[str, object] = {"total": 5, "to": {"code_version": "1.1.0", "configuration_version": None}, "why": ""}
    coordinator.events = [
        Event(id=n, at=NOON, kind=kind, deployment_id=42, instance=None, actor="operator", data=data)
        for n, kind in enumerate(["deployment.triggered", "deployment.completed"], 1)
    ]
    assert run(coordinator, "events", "--deployment", "42") == 0
    assert coordinator.requests[0].url.path == "/deployments/42/events"
    rows = [re.split(r"\s{2,}", row.strip())[1:] for row in capsys.readouterr().out.splitlines()[1:]]
    assert rows == [
        ["deployment.triggered", "42", "-", "by operator total=5 to=1.1.0"],
        ["deployment.completed", "42", "-", "by operator total=5 to=1.1.0"],
    ]


@pytest.mark.parametrize(
    ("arguments", "path", "body"),
    [
        (("pause",), "/deploy/pause", {}),
        (("resume",), "/deploy/resume", {}),
        (("promote",), "/deploy/promote", {}),
        (("progress",), "/deploy/progress", {}),
        (("abort",), "/deploy/abort", {"rollback": False}),
        (("abort", "--rollback"), "/deploy/abort", {"rollback": True}),
    ],
)
def test_an_action_shows_how_the_deployment_stands_then(
    coordinator: FakeCoordinator, capsys: Capture, arguments: tuple[str, ...], path: str, body: object
) -> None:
    paused = make_deployment(status=DeploymentStatus.PAUSED, held_by="paused")
    coordinator.action = answer(paused)
    assert run(coordinator, *arguments) == 0
    assert coordinator.bodies("POST", path) == [body]
    out = capsys.readouterr().out
    assert "= Deployment 42 is paused" in out
    assert "Held: paused; dides resume goes on" in out
    assert run(coordinator, *arguments, "-o", "json") == 0
    assert json.loads(capsys.readouterr().out)["status"] == "paused"


def test_a_deployment_that_waits_for_an_operator_says_what_to_type(
    coordinator: FakeCoordinator, capsys: Capture
) -> None:
    waiting = make_deployment(
        held_by="promote", wave=Wave(open=1, of=3), progress=make_progress(succeeded=1, pending=4)
    )
    coordinator.deployments[42] = [waiting]
    assert run(coordinator, "status") == 0
    out = capsys.readouterr().out
    assert "Wave 1 of 3." in out
    assert "Held: this wave is over, and waits: dides promote opens the next one" in out


def test_rollback_watches_the_rollback(coordinator: FakeCoordinator, capsys: Capture) -> None:
    coordinator.action = answer(make_deployment(43, rollback_of=42), 201)
    coordinator.deployments[43] = [ROLLBACK]
    assert run(coordinator, "rollback") == 0
    assert "✔ Deployment 43 completed" in capsys.readouterr().out


def test_decommission_without_a_terminal_needs_yes(coordinator: FakeCoordinator, capsys: Capture) -> None:
    coordinator.instances = [make_instance("web-1"), make_instance("web-2")]
    assert run(coordinator, "decommission", "web-1", "--yes", "--force") == 0
    (request,) = coordinator.sent("DELETE", "/inventory/instances/web-1")
    assert request.url.params["force"] == "true"
    assert "web-1 is decommissioned" in capsys.readouterr().out
    assert run(coordinator, "decommission", "web-2", "--yes", "-o", "json") == 0
    assert json.loads(capsys.readouterr().out)["name"] == "web-2"


def test_version_asks_nobody(coordinator: FakeCoordinator, capsys: Capture) -> None:
    assert run_cli(coordinator.transport, "version") == 0
    assert re.fullmatch(r"dides \d+\.\d+\.\d+\S*\n", capsys.readouterr().out)
    assert run_cli(coordinator.transport, "version", "-o", "json") == 0
    assert set(json.loads(capsys.readouterr().out)) == {"version"}
    assert run_cli(coordinator.transport, "--version") == 0
    assert coordinator.requests == []
