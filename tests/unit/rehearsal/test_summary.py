import pytest

from dides.model.deployment import DeploymentStatus
from dides.rehearsal.run import Outcome
from dides.rehearsal.summary import completing, distribution_of, percentile, summarize


def outcome(*, completed: bool = True, reason: str = "", rollback_ms: int | None = None, reached: int = 5) -> Outcome:
    return Outcome(
        status=DeploymentStatus.COMPLETED if completed else DeploymentStatus.FAILED,
        reason=reason,
        rollout_ms=10_000,
        rollback_ms=rollback_ms,
        reached=reached,
        failed=0,
        most_down=2,
        most_down_in_rollback=None if rollback_ms is None else 1,
        not_returned=None if rollback_ms is None else 0,
    )


@pytest.mark.parametrize(
    ("values", "percent", "value"),
    [(100, 5, 5), (100, 50, 50), (100, 95, 95), (4, 50, 2), (4, 95, 4), (4, 5, 1), (1, 5, 1), (1, 95, 1), (20, 5, 1)],
)
def test_a_percentile_is_the_value_of_a_run(values: int, percent: int, value: int) -> None:
    assert percentile(range(1, values + 1), percent) == value


def test_a_distribution_does_not_depend_on_the_order_of_its_values() -> None:
    its = distribution_of([3, 1, 2, 10])
    assert (its.runs, its.min, its.p5, its.p50, its.p95, its.max, its.mean) == (4, 1, 1, 2, 10, 10, 4)


def test_the_bounds_of_a_chance_are_those_of_wilson() -> None:
    # Wilson's interval at 95 % for 5 of 10, as in textbooks: 0.2366 to 0.7634.
    its = completing(5, 10)
    assert (its.chance, round(its.low, 4), round(its.high, 4)) == (0.5, 0.2366, 0.7634)


def test_what_always_or_never_came_about_may_still_be_otherwise() -> None:
    never, always = completing(0, 10), completing(10, 10)
    assert (never.low, round(never.high, 4)) == (0.0, 0.2775)
    assert (round(always.low, 4), always.high) == (0.7225, 1.0)


def test_runs_that_were_stopped_say_why_and_how_many_they_reached() -> None:
    summary = summarize(
        [
            outcome(),
            outcome(completed=False, reason="failure threshold reached: 1 target failed", reached=1, rollback_ms=2_000),
            outcome(completed=False, reason="failure threshold reached: 2 targets failed", reached=3),
            outcome(completed=False, reason="deadline of 5 s passed: 2 of 4 were not done", reached=4),
        ]
    )
    assert (summary.completing.completed, summary.completing.runs) == (1, 4)
    assert list(summary.stopped_by.items()) == [("failure threshold reached", 2), ("deadline of 5 s passed", 1)]
    assert summary.reached_before_stop is not None
    assert (summary.reached_before_stop.runs, summary.reached_before_stop.p50) == (3, 3)
    assert summary.rollback_time is not None
    assert (summary.rollback_time.runs, summary.rollback_time.max) == (1, 2.0)
    assert (summary.total_time.min, summary.total_time.max, summary.rollout_time.max) == (10.0, 12.0, 10.0)


def test_what_no_run_has_is_none() -> None:
    summary = summarize([outcome()])
    assert summary.reached_before_stop is None
    assert summary.rollback_time is None
    assert summary.most_down_in_rollback is None
    assert summary.not_returned is None
    assert summary.stopped_by == {}
