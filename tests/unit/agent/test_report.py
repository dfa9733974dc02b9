"""What an instance says of itself, in every situation that it can be in."""

import msgspec
import pytest
from msgspec import UNSET

from dides.agent.persisted import Attempt, Standing
from dides.agent.report import APPLYING, HEALTHY, UNCHECKED, Verdict, compose, judge, without
from dides.model.state import State, Status
from dides.protocol.messages import Heartbeat

CLEAN = Standing(generation=7, applied=State("1.0", "c1"))
APPLIES = Standing(generation=8, applied=State("1.0", "c1"), attempt=Attempt(target=State("2.0", "c1")))
FAILED = Standing(generation=8, applied=State("1.0"), attempt=Attempt(target=State("2.0"), failure="exit 3"))
LIMPS = Verdict(Status.DEGRADED, "slow")


@pytest.mark.parametrize(
    ("rule", "standing", "checked", "verdict"),
    [
        ("nothing is known before the first check", CLEAN, None, UNCHECKED),
        ("the check counts", CLEAN, HEALTHY, HEALTHY),
        ("the check counts, with its message", CLEAN, LIMPS, LIMPS),
        ("an apply that runs speaks louder", APPLIES, HEALTHY, Verdict(Status.DEGRADED, APPLYING)),
        ("a failed apply speaks louder", FAILED, HEALTHY, Verdict(Status.FAILED, "exit 3")),
    ],
)
def test_verdict(rule: str, standing: Standing, checked: Verdict | None, verdict: Verdict) -> None:
    assert judge(standing, checked) == verdict, rule


def test_a_heartbeat_says_everything_that_is_known() -> None:
    assert compose(CLEAN, LIMPS) == Heartbeat(
        code_version="1.0", configuration_version="c1", status=Status.DEGRADED, observed=7, message="slow"
    )


def test_versions_that_are_not_known_are_null() -> None:
    heartbeat = compose(Standing(), HEALTHY)
    assert (heartbeat.code_version, heartbeat.configuration_version) == (None, None)


def test_observed_is_left_out_before_the_first_generation() -> None:
    assert compose(Standing(), HEALTHY).observed is UNSET


def test_generation_nought_is_a_generation() -> None:
    assert compose(Standing(generation=0), HEALTHY).observed == 0


def test_a_failed_apply_reports_what_was_applied_before() -> None:
    assert compose(FAILED, None).code_version == "1.0"


def test_refused_fields_are_left_out() -> None:
    heartbeat = without(compose(CLEAN, LIMPS), frozenset({"observed", "message"}))
    assert (heartbeat.observed, heartbeat.message, heartbeat.status) == (UNSET, UNSET, Status.DEGRADED)


@pytest.mark.parametrize("refused", ["session", "sequence"])
def test_a_session_and_its_number_are_left_out_together(refused: str) -> None:
    signed = msgspec.structs.replace(compose(CLEAN, LIMPS), session="a", sequence=7)
    assert without(signed, frozenset({refused})) == compose(CLEAN, LIMPS)
