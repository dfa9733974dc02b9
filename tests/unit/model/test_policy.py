"""Amounts: counts and percentages, in integer arithmetic; and times."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dides.model.policy import Amount, Policy, count_of, hundredths


@pytest.mark.parametrize(
    ("percentage", "value"),
    [
        ("0.01%", 1),
        ("0.1%", 10),
        ("0.10%", 10),
        ("1%", 100),
        ("12.5%", 1_250),
        ("12.05%", 1_205),
        ("33.33%", 3_333),
        ("99.99%", 9_999),
        ("100%", 10_000),
        ("100.0%", 10_000),
        ("100.00%", 10_000),
        ("05%", 500),
    ],
)
def test_a_percentage_has_at_most_two_decimals(percentage: str, value: int) -> None:
    assert hundredths(percentage) == value


@pytest.mark.parametrize("percentage", ["0%", "0.0%", "0.00%", "00%"])
def test_a_percentage_is_above_zero(percentage: str) -> None:
    with pytest.raises(ValueError, match="above 0%"):
        hundredths(percentage)


@pytest.mark.parametrize(
    "text",
    [
        *("100.01%", "101%", "100.001%", "1000%", "-1%", "+1%"),
        *("0.001%", "12.345%", "1.%", ".5%", "1,5%", "1e1%"),
        *("", "%", "25", "25 %", " 25%", "25% ", "25%\n", "%25", "25%%", "a%", "٢٥%", "2_5%", "0x1%", "inf%"),
    ],
)
def test_anything_else_is_no_percentage(text: str) -> None:
    with pytest.raises(ValueError, match=r'"0\.01%" to "100%"'):
        hundredths(text)


@pytest.mark.parametrize(
    ("amount", "matched", "count"),
    [
        ("25%", 10, 3),
        ("25%", 8, 2),
        ("20%", 10, 2),
        ("20.01%", 10, 3),
        ("1%", 1, 1),
        ("1%", 100, 1),
        ("1%", 101, 2),
        ("0.01%", 1, 1),
        ("0.01%", 10_000, 1),
        ("0.01%", 10_001, 2),
        ("99.99%", 1, 1),
        ("99.99%", 10_000, 9_999),
        ("99.99%", 9_999, 9_999),
        ("100%", 1, 1),
        ("100%", 7, 7),
        ("33.33%", 3, 1),
        ("33.34%", 3, 2),
        ("66.66%", 3, 2),
    ],
)
def test_a_percentage_of_the_matched_is_rounded_up_and_at_least_1(amount: str, matched: int, count: int) -> None:
    assert count_of(amount, matched) == count


def test_a_percentage_of_nothing_is_still_1() -> None:
    assert count_of("50%", 0) == 1


@pytest.mark.parametrize(("amount", "matched"), [(1, 10), (10, 1), (1_000_000, 3)])
def test_a_count_is_what_it_is_however_many_match(amount: Amount, matched: int) -> None:
    assert count_of(amount, matched) == amount


def test_the_arithmetic_is_exact_where_floating_point_is_not() -> None:
    assert math.ceil(0.07 * 100) == 8
    assert count_of("7%", 100) == 7
    huge = 10**30 + 1
    assert count_of("100%", huge) == huge
    assert count_of("0.01%", huge) == 10**26 + 1


@given(st.integers(1, 10_000), st.integers(1, 10**12))
def test_a_percentage_means_the_same_as_in_fractions(value: int, matched: int) -> None:
    text = f"{value // 100}.{value % 100:02d}%"
    assert count_of(text, matched) == max(1, math.ceil(Fraction(value, 10_000) * matched))


@given(st.integers(1, 10_000), st.integers(1, 10**6))
def test_a_percentage_is_never_none_and_never_more_than_all(value: int, matched: int) -> None:
    assert 1 <= count_of(f"{value // 100}.{value % 100:02d}%", matched) <= matched


@pytest.mark.parametrize(("seconds", "milliseconds"), [(600, 600_000), (0.5, 500), (1.0006, 1001), (0.0001, 1)])
def test_the_update_timeout_is_in_whole_milliseconds_and_at_least_one(seconds: float, milliseconds: int) -> None:
    assert Policy(update_timeout=seconds).update_timeout_ms == milliseconds


def test_the_defaults_are_careful() -> None:
    assert Policy() == Policy(batch_size=1, failure_threshold=1, update_timeout=600, auto_rollback=True)
