"""Command lines that are wrong or refused: what is printed where, and the exit codes."""

import re

import httpx2
import pytest

from support.fake_coordinator import FakeCoordinator, refuse
from support.run_cli import run, run_cli

Capture = pytest.CaptureFixture[str]
DEPLOY = ("deploy", "1.1.0", "-l", "env=test")


@pytest.fixture
def coordinator() -> FakeCoordinator:
    return FakeCoordinator()


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
