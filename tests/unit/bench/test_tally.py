"""What a run is said to have found."""

import random

import pytest

from load.arrivals import even, poisson
from load.latency import Latency, percentile, summarize
from load.tally import LoadError, Tally
from rig.report import Report

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
SHED = b"HTTP/1.1 503 No\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n"
SHED_SILENTLY = b"HTTP/1.1 429 No\r\ncontent-length: 0\r\n\r\n"
BROKEN = b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"


def test_percentiles_are_values_that_were_measured() -> None:
    hundred = list(range(1, 101))
    assert [percentile(hundred, share) for share in (0.0, 0.5, 0.99, 0.999, 1.0)] == [1, 50, 99, 100, 100]
    assert percentile([7.0], 0.5) == 7.0


def test_latencies_are_summarized_in_milliseconds_whatever_their_order() -> None:
    seconds = [number / 1000 for number in range(1, 1001)]
    random.Random(1).shuffle(seconds)
    assert summarize(seconds) == Latency(count=1000, p50=500.0, p90=900.0, p99=990.0, p999=999.0, max=1000.0)
    assert summarize([]) == Latency()


def test_answers_are_counted_by_status_and_only_served_ones_have_a_rate() -> None:
    tally = Tally()
    for answer in (OK, OK, SHED, SHED_SILENTLY, BROKEN):
        tally.note(answer, 0.001)
    outcome = tally.outcome(0.0, 2.0, 1.0)
    assert outcome.statuses == {200: 2, 503: 1, 429: 1, 500: 1}
    assert (outcome.rate, outcome.shed, outcome.errors, outcome.without_retry_after) == (1.0, 2, 1, 1)
    assert (outcome.served.count, outcome.refused.count, outcome.cpu_share) == (2, 3, 0.5)


@pytest.mark.parametrize("answers", [[], [OK, SHED], [OK, BROKEN], [BROKEN]])
def test_a_run_that_was_not_served_whole_measures_nothing(answers: list[bytes]) -> None:
    tally = Tally()
    for answer in answers:
        tally.note(answer, 0.001)
    with pytest.raises(LoadError):
        tally.outcome(0.0, 1.0, 0.0).checked()


def test_a_run_in_which_something_was_lost_or_never_sent_measures_nothing() -> None:
    for missing in ("lost", "given_up", "unanswered"):
        tally = Tally()
        tally.note(OK, 0.001)
        assert tally.outcome(0.0, 1.0, 0.0).checked().rate == 1.0
        setattr(tally, missing, 1)
        with pytest.raises(LoadError):
            tally.outcome(0.0, 1.0, 0.0).checked()


def test_arrivals_come_at_the_rate_that_was_asked_for() -> None:
    evenly, randomly = even(100.0), poisson(100.0)
    assert [next(evenly) for _ in range(3)] == [0.0, 0.01, 0.02]
    moments = [next(randomly) for _ in range(10_000)]
    assert moments == sorted(moments)
    assert moments[-1] == pytest.approx(100.0, rel=0.05)


def test_a_figure_is_a_ratio_of_two_values_of_one_round() -> None:
    report = Report(benchmark="test")
    report.add("half", [1.0, 20.0, 3.0], to=[2.0, 40.0, 4.0], least=0.5)
    report.add("late", [30.0], "ms", most=20.0)
    half, late = report.figures
    assert half.ratio
    assert (half.ratio.median, half.ratio.low, half.ratio.high) == (0.5, 0.5, 0.75)
    assert (half.met, late.met) == (True, False)
