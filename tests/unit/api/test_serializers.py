"""What the wire says of a target that waits for time to pass."""

from dides.api.serializers import target_view
from support.builders import report, succeeded, updating

NINE = 1_767_603_600_000
"""2026-01-05 09:00 UTC, in milliseconds."""


def test_one_that_has_to_stay_healthy_says_until_when() -> None:
    holding = updating(report=report(at=NINE - 60_000), healthy_at=NINE)
    assert target_view(holding).reason == "HEALTHY, and has to stay so until 2026-01-05T09:00:00Z"


def test_one_that_waits_for_its_next_attempt_says_when_that_is() -> None:
    waiting = updating(reason="attempt 1 of 2 failed: reported FAILED", retry_at=NINE)
    assert target_view(waiting).reason == (
        "attempt 1 of 2 failed: reported FAILED; next attempt at 2026-01-05T09:00:00Z"
    )


def test_others_say_no_more_than_there_is_to_say() -> None:
    assert target_view(updating()).reason == ""
    assert target_view(updating(report=report())).reason == "", "without min_healthy_time there is nothing to wait for"
    assert target_view(succeeded(healthy_at=NINE)).reason == ""
