"""What the end of a check means, and what the grace after an apply makes of it."""

import pytest

from dides.agent.process.apply import LONGEST_MESSAGE
from dides.agent.process.command import Ended, describe_environment, inherit
from dides.agent.process.health import forgive, read_verdict
from dides.agent.report import HEALTHY, Verdict
from dides.model.state import NOTHING, State, Status


@pytest.mark.parametrize(
    ("ended", "verdict"),
    [
        (Ended(0, True, "all is well"), HEALTHY),
        (Ended(1, True, "slow"), Verdict(Status.DEGRADED, "the check exited with 1: slow")),
        (Ended(1, True), Verdict(Status.DEGRADED, "the check exited with 1")),
        (Ended(2, True, "down"), Verdict(Status.FAILED, "the check exited with 2: down")),
        (Ended(-9, True), Verdict(Status.FAILED, "the check was killed by signal 9")),
        (Ended(-15, False, "wait"), Verdict(Status.FAILED, "the check took more than 10 s and was ended: wait")),
        (Ended(0, False), Verdict(Status.FAILED, "the check took more than 10 s and was ended")),
        (Ended(None, False), Verdict(Status.FAILED, "the check took more than 10 s and was ended")),
    ],
)
def test_end_of_a_check(ended: Ended, verdict: Verdict) -> None:
    assert read_verdict(ended, 10) == verdict


def test_a_long_message_keeps_its_end() -> None:
    verdict = read_verdict(Ended(2, True, "x" * 5000 + "why"), 10)
    assert len(verdict.message) == LONGEST_MESSAGE
    assert verdict.message.endswith("xwhy")


def test_within_the_grace_failed_is_degraded() -> None:
    forgiven = forgive(Verdict(Status.FAILED, "down"), 5)
    assert forgiven == Verdict(Status.DEGRADED, "within the grace of 5 s after an apply: down")


@pytest.mark.parametrize("verdict", [HEALTHY, Verdict(Status.DEGRADED, "slow")])
def test_the_grace_leaves_other_verdicts_alone(verdict: Verdict) -> None:
    assert forgive(verdict, 5) == verdict


def test_a_command_sees_what_is_known() -> None:
    assert describe_environment("web-1", 42, State("2.0", "c2"), State("1.0")) == {
        "DIDES_CODE_VERSION": "2.0",
        "DIDES_CONFIGURATION_VERSION": "c2",
        "DIDES_PREVIOUS_CODE_VERSION": "1.0",
        "DIDES_PREVIOUS_CONFIGURATION_VERSION": "",
        "DIDES_INSTANCE": "web-1",
        "DIDES_DEPLOYMENT": "42",
    }


def test_what_is_unknown_is_empty() -> None:
    assert set(describe_environment("", None, NOTHING, NOTHING).values()) == {""}


def test_the_secrets_of_the_agent_are_not_inherited() -> None:
    environment = {"PATH": "/bin", "DIDES_REGISTRATION_TOKEN": "secret", "NOTIFY_SOCKET": "/run/notify"}
    assert inherit(environment) == {"PATH": "/bin"}
