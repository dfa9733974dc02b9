"""When anybody watched, and how much of a span counts."""

import pytest

from simulator.checker.uptime import UNNOTICED_MS, Uptime

S = 1_000


def _with_outages(*outages: tuple[int, int], restarted: bool = True) -> Uptime:
    uptime = Uptime()
    uptime.change(0, watching=True, restarted=True)
    for begin, end in outages:
        uptime.change(begin, watching=False, restarted=False)
        uptime.change(end, watching=True, restarted=restarted)
    return uptime


def test_the_first_start_ends_no_outage() -> None:
    assert _with_outages().outages == 0


@pytest.mark.parametrize(
    ("since", "until", "pauses", "active"),
    [
        (0, 10 * S, [], 10 * S),
        (0, 100 * S, [], 90 * S),
        (25 * S, 100 * S, [], 70 * S),
        (0, 25 * S, [], 20 * S),
        (0, 100 * S, [(50 * S, 60 * S)], 80 * S),
        (0, 100 * S, [(15 * S, 25 * S)], 85 * S),
        (0, 100 * S, [(15 * S, 50 * S)], 65 * S),
        (0, 100 * S, [(22 * S, 26 * S)], 90 * S),
    ],
)
def test_outages_and_pauses_do_not_count(since: int, until: int, pauses: list[tuple[int, int]], active: int) -> None:
    assert _with_outages((20 * S, 30 * S)).active(since, until, pauses) == active


def test_standing_still_for_a_moment_may_go_unnoticed() -> None:
    assert _with_outages((20 * S, 20 * S + UNNOTICED_MS - 1), restarted=False).outages == 0
    assert _with_outages((20 * S, 20 * S + UNNOTICED_MS), restarted=False).last_return == 20 * S + UNNOTICED_MS
    assert _with_outages((20 * S, 20 * S + 1)).outages == 1
