"""Token buckets: what a sender may do, how long it waits, and how little is remembered of the many that keep to it."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dides.api.limits import limiter as module
from dides.api.limits.limiter import Limiter
from dides.api.limits.token_bucket import FULL, Rate, seconds_until_free, take

REQUESTS, CHANGES, SLOW = Rate(5, 50), Rate(1, 20), Rate(0.1, 3)
RATES = st.sampled_from([REQUESTS, CHANGES, SLOW])
PAUSES = st.lists(st.sampled_from([0.0, 0.01, 0.1, 0.2, 0.9, 1.0, 3.0, 40.0]), min_size=1, max_size=120)


class Time:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def passed(rate: Rate, pauses: Sequence[float]) -> list[float]:
    """Return when those were let through that came after these pauses."""
    time, moments = Time(), []
    limiter = Limiter(rate, time)
    for pause in pauses:
        time.now += pause
        if not limiter.wait("a"):
            moments.append(time.now)
    return moments


def test_a_bucket_is_emptied_at_once_and_fills_at_its_rate() -> None:
    bucket = FULL
    for _ in range(20):
        assert seconds_until_free(bucket, CHANGES, 7.0) == 0
        bucket = take(bucket, CHANGES, 7.0)
    assert seconds_until_free(bucket, CHANGES, 7.0) == pytest.approx(1.0)
    assert seconds_until_free(bucket, CHANGES, 7.75) == pytest.approx(0.25)
    assert seconds_until_free(bucket, CHANGES, 8.0) == pytest.approx(0.0)
    assert bucket == pytest.approx(27.0), "full again twenty seconds later"


@given(RATES, PAUSES)
def test_in_no_span_is_more_let_through_than_the_burst_and_the_rate_allow(rate: Rate, pauses: list[float]) -> None:
    moments, period = passed(rate, pauses), max(1.0, 1 / rate.per_second)
    for first, begin in enumerate(moments):
        for last in range(first, len(moments)):
            span = moments[last] - begin + 2 * period
            assert last - first + 1 <= rate.burst + span * rate.per_second + 1e-6


@given(RATES, st.integers(0, 2**32), st.integers(1, 200))
def test_who_keeps_to_the_rate_never_waits_and_has_no_bucket(rate: Rate, seed: int, number: int) -> None:
    time = Time()
    limiter = Limiter(rate, time)
    period = max(1.0, 1 / rate.per_second)
    for _ in range(number):
        time.now += period
        for _ in range(round(rate.per_second * period)):
            assert limiter.wait(str(seed)) == 0
    assert limiter.exceeding == 0


@pytest.mark.parametrize("rate", [REQUESTS, CHANGES, SLOW])
def test_a_burst_goes_through_at_once_and_the_next_one_waits_for_one_token(rate: Rate) -> None:
    time = Time()
    limiter = Limiter(rate, time)
    assert [limiter.wait("a") for _ in range(round(rate.burst))] == [0.0] * round(rate.burst)
    seconds = limiter.wait("a")
    assert seconds == pytest.approx(1 / rate.per_second) == limiter.left("a")
    assert limiter.wait("b") == 0, "others have their own"
    assert limiter.refused == 1
    time.now += seconds + 1e-6
    assert limiter.wait("a") == 0
    assert limiter.wait("a") > 0


def test_to_be_refused_costs_nothing() -> None:
    time = Time()
    limiter = Limiter(CHANGES, time)
    for _ in range(1000):
        limiter.wait("a")
    time.now += 1.01
    assert limiter.wait("a") == 0


def test_what_is_remembered_goes_with_time() -> None:
    time = Time()
    limiter = Limiter(CHANGES, time)
    for number in range(1000):
        limiter.wait(str(number))
    assert limiter.exceeding == 0
    for number in range(1000):
        limiter.wait(str(number))
    assert limiter.exceeding == 1000
    time.now += 2.5
    limiter.wait("x")
    assert limiter.exceeding == 0


def test_there_is_an_end_to_what_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BUCKETS", 10)
    limiter = Limiter(CHANGES, Time())
    waits = [[limiter.wait(str(number)) for number in range(30)] for _ in range(2)]
    assert waits[0] == [0.0] * 30
    assert [seconds > 0 for seconds in waits[1]] == [False] * 10 + [True] * 20
    assert limiter.exceeding == 10


def test_a_sender_counts_as_sending_too_much_while_less_than_half_of_its_bucket_is_left() -> None:
    time = Time()
    limiter = Limiter(Rate(2, 10), time)
    for _ in range(5):
        limiter.wait("a")
    assert limiter.rests_in("a") == 0.0
    for _ in range(5):
        limiter.wait("a")
    assert limiter.rests_in("a") == pytest.approx(5.0)
    assert limiter.rests_in("b") == 0.0
    time.now += 2.5
    assert limiter.rests_in("a") == 0.0
