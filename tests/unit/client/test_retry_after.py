"""How long to wait, in seconds or as a moment, from whoever may stand before the coordinator."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dides.client.retry_after import LONGEST, read_retry_after

DATE = "Wed, 21 Oct 2026 07:28:00 GMT"
NOW = 1_792_567_670_000
"""Ten seconds before that, in milliseconds."""


@pytest.mark.parametrize(("value", "seconds"), [("0", 0), ("7", 7), (" 7 ", 7), ("120", 120)])
def test_seconds(value: str, seconds: float) -> None:
    assert read_retry_after(value, None, NOW) == seconds


@pytest.mark.parametrize(
    "value",
    [
        "Wed, 21 Oct 2026 07:28:30 GMT",
        "Wednesday, 21-Oct-26 07:28:30 GMT",
        "Wed Oct 21 07:28:30 2026",
    ],
)
def test_a_moment_is_compared_with_the_date_of_the_answer(value: str) -> None:
    assert read_retry_after(value, DATE, now=0) == 30


@pytest.mark.parametrize("date", [None, "today"])
def test_without_a_date_it_is_compared_with_this_machine(date: str | None) -> None:
    assert read_retry_after("Wed, 21 Oct 2026 07:28:30 GMT", date, NOW) == 40


def test_a_moment_that_has_passed_asks_for_nothing() -> None:
    assert read_retry_after("Wed, 21 Oct 2026 07:27:00 GMT", DATE, NOW) == 0


@pytest.mark.parametrize("value", ["3601", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_silly_values_are_cut(value: str) -> None:
    assert read_retry_after(value, DATE, NOW) == LONGEST


@pytest.mark.parametrize("value", [None, "", "soon", "-1", "1.5", "²", "Wed, 21 Oct 99999 07:28:00 GMT"])
def test_what_cannot_be_read_says_nothing(value: str | None) -> None:
    assert read_retry_after(value, DATE, NOW) is None


@given(st.text(), st.none() | st.text())
def test_no_header_does_harm(value: str, date: str | None) -> None:
    seconds = read_retry_after(value, date, NOW)
    assert seconds is None or 0 <= seconds <= LONGEST
