"""The commands that only read, against a coordinator of a few lines: tables, and JSON as on the wire."""

import json
import re

import msgspec
import pytest

from dides.model.deployment import TargetState
from dides.model.explanation import Cause
from dides.model.state import State, Status
from dides.protocol.messages import Configuration, Convergence, Event, Wave, Why
from dides.text.holds_in_short import IN_SHORT
from support.fake_coordinator import (
    ABORTED,
    COMPLETED,
    FAILED,
    NOON,
    ROLLBACK,
    FakeCoordinator,
    answer,
    make_deployment,
    make_instance,
    make_progress,
    make_target,
)
from support.run_cli import run, run_cli

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def coordinator() -> FakeCoordinator:
    return FakeCoordinator()


def test_status_counts_the_fleet_and_shows_the_newest_deployment(coordinator: FakeCoordinator, capsys: Capture) -> None:
    coordinator.instances = [make_instance("web-1"), make_instance("web-2", Status.FAILED)]
    coordinator.deployments = {41: [make_deployment(41)], 42: [COMPLETED]}
    assert run(coordinator, "status") == 0
    out = capsys.readouterr().out
    assert "Fleet: 2 instances  ✔ 1 healthy  ! 0 degraded  ✖ 1 failed  ? 0 unknown" in out
    assert "Deployment 42" in out
    assert "Deployment 41" not in out


@pytest.mark.parametrize(("number", "what"), [(1, "1 instance"), (2, "each of 2 instances")])
def test_duplicated_instances_are_shown(coordinator: FakeCoordinator, capsys: Capture, number: int, what: str) -> None:
    twice = [msgspec.structs.replace(make_instance(f"web-{each}"), duplicated=True) for each in range(number)]
    coordinator.instances = [make_instance("db-1"), *twice]
    assert run(coordinator, "status") == 0
    said = f"✖ duplicated: two agents report as {what}; dides instances --duplicated lists them"
    assert said in capsys.readouterr().out
    assert run(coordinator, "instances", "--duplicated") == 0
    _, *rows = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows] == [each.name for each in twice]
    assert all("✖ duplicated" in row for row in rows)
    assert run(coordinator, "instance", "web-0") == 0
    assert "two agents report as it" in capsys.readouterr().out


def test_an_instance_says_why_it_is_not_updated(coordinator: FakeCoordinator, capsys: Capture) -> None:
    message = "Deployment 7 has not started it yet. Wave 1 of 3 is open."
    why = Why(cause=Cause.WAITING, message=message, deployment_id=7, held_by="promote", since=None, until=NOON)
    coordinator.instances = [msgspec.structs.replace(make_instance("web-0"), why=why)]
    assert run(coordinator, "instance", "web-0") == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("Why"))
    assert f"waiting: {message} Held by promote: {IN_SHORT['promote']}. (until 2" in line


def test_an_older_coordinator_gives_no_reason_and_none_is_shown(coordinator: FakeCoordinator, capsys: Capture) -> None:
    coordinator.instances = [make_instance("web-0")]
    assert run(coordinator, "instance", "web-0") == 0
    assert "Why" not in capsys.readouterr().out


def test_status_as_json_is_one_object(coordinator: FakeCoordinator, capsys: Capture) -> None:
    coordinator.instances = [make_instance()]
    assert run(coordinator, "status", "-o", "json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "instances": {"total": 1, "healthy": 1, "degraded": 0, "failed": 0, "unknown": 0, "duplicated": 0},
        "deployment": None,
        "stopped": [],
    }


def test_status_watch_follows_the_newest_deployment_and_exits_as_it_ended(
    coordinator: FakeCoordinator, capsys: Capture
) -> None:
    coordinator.deployments = {42: [make_deployment(), make_deployment(), COMPLETED]}
    assert run(coordinator, "status", "--watch") == 0
    assert "✔ Deployment 42 completed" in capsys.readouterr().out


def test_status_watch_of_what_is_over_shows_it_and_exits_as_it_ended(
    coordinator: FakeCoordinator, capsys: Capture
) -> None:
    coordinator.deployments[42] = [ABORTED]
    assert run(coordinator, "status", "--watch") == 3
    assert "Deployment 42" in capsys.readouterr().out


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
        make_target("web-2", TargetState.SKIPPED, reason="not started", assigned_at=None),
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
        ("Waves", "1, 10%"),
        ("Wave pause", "manual"),
        ("Min healthy time", "10 s"),
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
    assert "Held: wave complete, waiting for approval: dides promote" in out


def test_version_asks_nobody(coordinator: FakeCoordinator, capsys: Capture) -> None:
    assert run_cli(coordinator.transport, "version") == 0
    assert re.fullmatch(r"dides \d+\.\d+\.\d+\S*\n", capsys.readouterr().out)
    assert run_cli(coordinator.transport, "version", "-o", "json") == 0
    assert set(json.loads(capsys.readouterr().out)) == {"version"}
    assert run_cli(coordinator.transport, "--version") == 0
    assert coordinator.requests == []


STOPPED = Convergence(
    deployment_id=41,
    code_version="1.1.0",
    configuration_version=None,
    waiting=3,
    converging=0,
    arrived=0,
    failed=2,
    limit=2,
    stopped_at=NOON,
)


def test_status_says_that_convergence_has_stopped(coordinator: FakeCoordinator, capsys: Capture) -> None:
    going = msgspec.structs.replace(STOPPED, deployment_id=40, stopped_at=None)
    coordinator.convergences = [STOPPED, going]
    assert run(coordinator, "status") == 0
    out = capsys.readouterr().out
    assert "Convergence to 1.1.0 (deployment 41) has stopped: 3 waiting" in out
    assert "dides converge 41 --resume" in out
    assert "deployment 40" not in out
    assert run(coordinator, "status", "-o", "json") == 0
    assert [each["deployment_id"] for each in json.loads(capsys.readouterr().out)["stopped"]] == [41]


def test_converge_shows_every_source(coordinator: FakeCoordinator, capsys: Capture) -> None:
    assert run(coordinator, "converge") == 0
    assert "No instance is converging" in capsys.readouterr().out
    coordinator.convergences = [STOPPED, msgspec.structs.replace(STOPPED, deployment_id=40, stopped_at=None)]
    assert run(coordinator, "converge") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == (
        "Convergence to 1.1.0 (deployment 40): 3 waiting, 0 on their way, 0 arrived, 2 failed; stops at 2."
    )


@pytest.mark.parametrize(("stopped", "body"), [(1, {"deployment_id": 41}), (2, {}), (0, {})])
def test_converge_resume_names_the_one_that_has_stopped(
    coordinator: FakeCoordinator, stopped: int, body: object
) -> None:
    coordinator.convergences = [STOPPED] * stopped
    coordinator.action = answer(msgspec.structs.replace(STOPPED, stopped_at=None))
    assert run(coordinator, "converge", "--resume") == 0
    assert coordinator.bodies("POST", "/converge/resume") == [body]
    assert run(coordinator, "converge", "7", "--resume") == 0
    assert coordinator.bodies("POST", "/converge/resume")[1:] == [{"deployment_id": 7}]
    assert run(coordinator, "converge", "7") == 2
