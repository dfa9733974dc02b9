"""The commands that change something, against a coordinator of a few lines: what is sent, what is printed."""

import json

import msgspec
import pytest
from msgspec.structs import replace

from dides.model.deployment import DeploymentStatus, TargetState
from dides.protocol.action_preview import Action
from dides.text.action_preview import NAMES
from support.fake_coordinator import (
    ABORTED,
    COMPLETED,
    FAILED,
    ROLLBACK,
    FakeCoordinator,
    answer,
    make_deployment,
    make_instance,
    make_progress,
    make_target,
)
from support.previews import PREVIEW
from support.run_cli import run

Capture = pytest.CaptureFixture[str]
DEPLOY = ("deploy", "1.1.0", "-l", "env=test")


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
                "force": False,
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


@pytest.mark.parametrize(
    ("arguments", "path", "body"),
    [
        (("pause",), "/deploy/pause", {"deployment_id": 42}),
        (("resume",), "/deploy/resume", {"deployment_id": 42}),
        (("promote",), "/deploy/promote", {"deployment_id": 42}),
        (("progress",), "/deploy/progress", {"deployment_id": 42}),
        (("abort",), "/deploy/abort", {"deployment_id": 42, "rollback": False}),
        (("abort", "--rollback"), "/deploy/abort", {"deployment_id": 42, "rollback": True}),
    ],
)
def test_an_action_shows_how_the_deployment_stands_then(
    coordinator: FakeCoordinator, capsys: Capture, arguments: tuple[str, ...], path: str, body: object
) -> None:
    paused = make_deployment(status=DeploymentStatus.PAUSED, held_by="paused")
    coordinator.deployments[42] = [make_deployment()]
    coordinator.action = answer(paused)
    assert run(coordinator, *arguments) == 0
    assert coordinator.bodies("POST", path) == [body]
    out = capsys.readouterr().out
    assert "= Deployment 42 is paused" in out
    assert "Held: paused; dides resume goes on" in out
    assert run(coordinator, *arguments, "-o", "json") == 0
    assert json.loads(capsys.readouterr().out)["status"] == "paused"


def test_rollback_watches_the_rollback(coordinator: FakeCoordinator, capsys: Capture) -> None:
    coordinator.action = answer(make_deployment(43, rollback_of=42), 201)
    coordinator.undoable = COMPLETED
    coordinator.deployments[43] = [ROLLBACK]
    assert run(coordinator, "rollback") == 0
    assert coordinator.bodies("POST", "/deploy/rollback") == [{"deployment_id": 42}]
    assert "✔ Deployment 43 completed" in capsys.readouterr().out


def test_rollback_of_a_deployment_that_is_named_asks_for_no_other(coordinator: FakeCoordinator) -> None:
    coordinator.action = answer(make_deployment(43, rollback_of=41), 201)
    coordinator.deployments[43] = [ROLLBACK]
    assert run(coordinator, "rollback", "41", "--no-wait") == 0
    assert [json.loads(request.content) for request in coordinator.requests] == [{"deployment_id": 41}]


@pytest.mark.parametrize("command", ["pause", "resume", "promote", "progress", "abort", "rollback"])
def test_without_anything_to_act_on_nothing_is_sent(coordinator: FakeCoordinator, command: str) -> None:
    coordinator.action = answer(make_deployment())
    assert run(coordinator, command) == 4
    assert [request.method for request in coordinator.requests] == ["GET"]


def test_decommission_without_a_terminal_needs_yes(coordinator: FakeCoordinator, capsys: Capture) -> None:
    coordinator.instances = [make_instance("web-1"), make_instance("web-2")]
    assert run(coordinator, "decommission", "web-1", "--yes", "--force") == 0
    (request,) = coordinator.sent("DELETE", "/inventory/instances/web-1")
    assert request.url.params["force"] == "true"
    assert "web-1 is decommissioned" in capsys.readouterr().out
    assert run(coordinator, "decommission", "web-2", "--yes", "-o", "json") == 0
    assert json.loads(capsys.readouterr().out)["name"] == "web-2"


@pytest.mark.parametrize(
    ("arguments", "path", "action"),
    [
        (("pause",), "/deploy/pause", Action.PAUSE),
        (("resume",), "/deploy/resume", Action.RESUME),
        (("promote",), "/deploy/promote", Action.PROMOTE),
        (("abort",), "/deploy/abort", Action.ABORT),
        (("abort", "--rollback"), "/deploy/abort", Action.ABORT_AND_ROLL_BACK),
        (("rollback",), "/deploy/rollback", Action.ROLL_BACK),
        (("rollback", "42"), "/deploy/rollback", Action.ROLL_BACK),
    ],
)
def test_a_preview_sends_no_action(
    coordinator: FakeCoordinator, capsys: Capture, arguments: tuple[str, ...], path: str, action: Action
) -> None:
    coordinator.action = answer(replace(PREVIEW, action=action, deployment_id=42, why_not="It is over."))
    assert run(coordinator, *arguments, "--preview") == 0
    (sent,) = coordinator.requests
    assert (sent.method, sent.url.path, sent.url.params.get("preview")) == ("POST", path, "true")
    assert json.loads(sent.content).get("deployment_id") == (42 if "42" in arguments else None)
    out = capsys.readouterr().out
    assert out.splitlines() == [f"{NAMES[action]} deployment 42:", "It is over.", "Nothing was changed."]
    assert run(coordinator, *arguments, "--preview", "-o", "json") == 0
    assert json.loads(capsys.readouterr().out)["action"] == action
