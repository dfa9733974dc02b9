"""Every setting that may be a percentage, at its edges: of the matched instances, rounded up, at least 1."""

import pytest

from dides.engine.limits import limits_of
from dides.engine.threshold import threshold_of
from dides.model.instance import Matched
from dides.model.policy import Amount, Policy
from dides.model.state import NOTHING
from support.builders import deployment

# amount, matched instances, what it comes to
WORKED: list[tuple[Amount, int, int]] = [
    ("0.01%", 1, 1),
    ("0.01%", 10_000, 1),
    ("0.01%", 10_001, 2),
    ("1%", 1, 1),
    ("1%", 100, 1),
    ("1%", 101, 2),
    ("25%", 10, 3),
    ("33.33%", 3, 1),
    ("33.34%", 3, 2),
    ("66.67%", 3, 3),
    ("99.99%", 10_000, 9_999),
    ("99.99%", 9_999, 9_999),
    ("100%", 1, 1),
    ("100%", 7, 7),
    ("100.00%", 7, 7),
    (1, 1, 1),
    (3, 10, 3),
    (3, 1, 3),  # a count stands as it is, also above the number of instances
]
NO_PERCENTAGES = [
    "0%",
    "0.0%",
    "0.00%",
    "100.01%",
    "101%",
    "-1%",
    "1.234%",
    "25",
    "%",
    " 5%",
    "5 %",
    "5%\n",
    "\u0665%",
    "",
]


REFUSAL = r"percentage|above 0"


def fleet(number: int) -> list[Matched]:
    return [Matched(each, f"web-{each}", NOTHING) for each in range(1, number + 1)]


@pytest.mark.parametrize(("amount", "matched", "count"), WORKED)
def test_batch_size(amount: Amount, matched: int, count: int) -> None:
    assert limits_of(Policy(batch_size=amount), fleet(matched)).window == count


@pytest.mark.parametrize(("amount", "matched", "count"), WORKED)
def test_failure_threshold(amount: Amount, matched: int, count: int) -> None:
    assert threshold_of(deployment(threshold=amount, waves=(matched,))) == count


@pytest.mark.parametrize(("amount", "matched", "count"), WORKED)
def test_max_unavailable(amount: Amount, matched: int, count: int) -> None:
    assert limits_of(Policy(max_unavailable=amount), fleet(matched)).max_unavailable == count


@pytest.mark.parametrize(("amount", "matched", "count"), WORKED)
def test_a_wave(amount: Amount, matched: int, count: int) -> None:
    canaries = [count] if count < matched else []  # a wave of everything is the last one
    assert limits_of(Policy(waves=(amount,)), fleet(matched)).waves == (*canaries, matched)


@pytest.mark.parametrize("text", NO_PERCENTAGES)
def test_what_is_no_percentage_above_0_is_refused_wherever_it_stands(text: str) -> None:
    for policy in (Policy(batch_size=text), Policy(max_unavailable=text), Policy(waves=(text,))):
        with pytest.raises(ValueError, match=REFUSAL):
            limits_of(policy, fleet(10))
    with pytest.raises(ValueError, match=REFUSAL):
        threshold_of(deployment(threshold=text))


@pytest.mark.parametrize("percentage", ["0.01%", "1%", "50%", "100%"])
def test_for_one_instance_every_percentage_is_that_one(percentage: str) -> None:
    policy = Policy(batch_size=percentage, max_unavailable=percentage, waves=(percentage,))
    limits = limits_of(policy, fleet(1))
    assert (limits.window, limits.max_unavailable, limits.waves) == (1, 1, (1,))
    assert threshold_of(deployment(threshold=percentage, waves=(1,))) == 1


@pytest.mark.parametrize("share", [1, 99, 100, 101, 2_500, 3_333, 9_999, 10_000])  # in hundredths of a percent
@pytest.mark.parametrize("matched", [1, 3, 7, 100])
def test_the_count_is_the_least_that_is_no_smaller_than_the_share(share: int, matched: int) -> None:
    count = limits_of(Policy(batch_size=f"{share / 100:.2f}%"), fleet(matched)).window
    assert (count - 1) * 10_000 < share * matched <= count * 10_000
