"""Waves: their sizes, when one is over, its soak, and the next one."""

from typing import Any

import pytest

from dides.engine.waves import (
    advance,
    cap,
    has_no_success,
    is_done,
    is_last,
    open_size,
    opened,
    sizes_of,
    why_no_success,
    why_not_promoted,
)
from dides.model.deployment import Deployment, Timers, Wave
from dides.model.policy import Amount, Policy
from support.builders import NOW, PAUSED, counts, deployment

SOAK = Policy(wave_pause=60)
MANUAL = Policy(wave_pause="manual")


def staged(open_wave: int = 1, **changes: Any) -> Deployment:
    """A deployment over 50 instances in waves of 1, 4 and 45."""
    return deployment(**{"waves": (1, 5, 50), "wave": Wave(open=open_wave), **changes})


def soaking(policy: Policy = SOAK, **changes: Any) -> Deployment:
    """Its first wave is over, with a success."""
    return staged(policy=policy, counts=counts(pending=49, succeeded=1), wave=Wave(succeeded=1), **changes)


@pytest.mark.parametrize(
    ("amounts", "matched", "sizes"),
    [
        ((), 50, (50,)),
        ((1, "10%"), 50, (1, 5, 50)),
        ((1, 1), 50, (1, 50)),
        ((1, "1%"), 50, (1, 50)),
        (("1%", "2%", "3%"), 50, (1, 2, 50)),
        ((5, 1), 50, (5, 50)),
        ((50,), 50, (50,)),
        ((1_000_000,), 50, (50,)),
        (("100%",), 50, (50,)),
        (("99.99%",), 50, (50,)),
        ((1, "50%"), 1, (1,)),
        ((1,), 2, (1, 2)),
        (("0.01%",), 2, (1, 2)),
    ],
)
def test_sizes_are_cumulative_and_the_last_one_is_everything(
    amounts: tuple[Amount, ...], matched: int, sizes: tuple[int, ...]
) -> None:
    assert sizes_of(amounts, matched) == sizes


@pytest.mark.parametrize(("number", "size", "last"), [(1, 1, False), (2, 5, False), (3, 50, True), (4, 50, True)])
def test_the_open_wave(number: int, size: int, last: bool) -> None:
    assert (open_size(staged(number)), is_last(staged(number))) == (size, last)


@pytest.mark.parametrize(
    ("why", "states", "over"),
    [
        ("nothing has started", {"pending": 50}, False),
        ("its count has started, but one is updating", {"pending": 45, "succeeded": 4, "updating": 1}, False),
        ("none is updating, but one is still to start", {"pending": 46, "succeeded": 4}, False),
        ("its count has started and none is updating", {"pending": 45, "succeeded": 5}, True),
        ("failed ones have started too", {"pending": 45, "succeeded": 3, "failed": 2}, True),
        ("those already at the target have not started", {"pending": 45, "succeeded": 4, "skipped": 1}, False),
        ("nothing reachable is left to start", {"pending": 46, "deferred": 46, "succeeded": 4}, True),
        ("nothing is left to start", {"succeeded": 4, "skipped": 46}, True),
        ("one that is left can be reached", {"pending": 46, "deferred": 45, "succeeded": 4}, False),
    ],
)
def test_a_wave_is_done_when(why: str, states: dict[str, int], over: bool) -> None:
    assert is_done(staged(2, counts=counts(**states))) is over, why


def test_the_last_wave_is_never_over_its_end_is_the_deployments() -> None:
    assert not is_done(staged(3, counts=counts(succeeded=50)))


@pytest.mark.parametrize(
    ("states", "limit"),
    [
        ({"pending": 50}, 5),
        ({"pending": 47, "updating": 3}, 5),
        ({"pending": 46, "updating": 2, "succeeded": 1, "failed": 1}, 3),
        ({"pending": 45, "succeeded": 5}, 0),
    ],
)
def test_a_wave_limits_how_many_are_updating_to_those_of_it_that_are_not_done(
    states: dict[str, int], limit: int
) -> None:
    assert cap(staged(2, counts=counts(**states))) == limit


def test_the_last_wave_limits_nothing() -> None:
    assert cap(staged(3, counts=counts(pending=20, succeeded=30))) is None


def test_without_a_pause_the_next_wave_opens_in_the_step_that_finds_the_open_one_over() -> None:
    after = advance(soaking(Policy()), NOW)
    assert after.wave == Wave(open=2, began_with=1, succeeded=0)
    assert after.timers.soaked_at is None


def test_a_wave_that_is_not_over_stays_open() -> None:
    working = staged(counts=counts(pending=49, updating=1), policy=Policy())
    assert advance(working, NOW) == working


def test_a_wave_soaks_from_the_step_that_finds_it_over() -> None:
    begun = advance(soaking(), NOW)
    assert begun.timers.soaked_at == NOW + 60_000
    assert begun.wave.open == 1


@pytest.mark.parametrize(("early", "open_wave"), [(1, 1), (0, 2), (-1, 2)])
def test_the_soak_ends_at_its_moment_and_not_a_millisecond_earlier(early: int, open_wave: int) -> None:
    after = advance(soaking(timers=Timers(soaked_at=NOW + early, deadline_at=7)), NOW)
    assert after.wave.open == open_wave
    assert after.timers == Timers(deadline_at=7, soaked_at=NOW + early if open_wave == 1 else None)


def test_a_further_step_does_not_begin_the_soak_anew() -> None:
    begun = advance(soaking(), NOW)
    assert advance(begun, NOW + 59_999) == begun


@pytest.mark.parametrize("timers", [Timers(), Timers(soaked_at=NOW)])
def test_in_a_pause_no_soak_begins_or_ends(timers: Timers) -> None:
    paused = soaking(timers=timers, status=PAUSED)
    assert advance(paused, NOW) is paused


def test_a_wave_that_waits_to_be_promoted_waits_for_ever() -> None:
    waiting = advance(soaking(MANUAL), NOW)
    assert waiting.timers.waiting_since == NOW
    assert advance(waiting, NOW + 10**12) == waiting


def test_the_wave_that_is_opened_counts_its_successes_anew() -> None:
    done = staged(2, counts=counts(pending=45, succeeded=4, failed=1), wave=Wave(open=2, began_with=1, succeeded=3))
    assert opened(done, NOW).wave == Wave(open=3, began_with=5, succeeded=0)


@pytest.mark.parametrize("policy", [SOAK, MANUAL])
def test_a_wave_that_waits_or_soaks_may_be_promoted(policy: Policy) -> None:
    assert why_not_promoted(soaking(policy)) is None


@pytest.mark.parametrize(
    ("its_deployment", "words"),
    [
        (staged(3, counts=counts(pending=45, succeeded=5)), "no further wave"),
        (deployment(waves=(50,)), "no further wave"),
        (staged(2, counts=counts(pending=46, succeeded=4)), "Wave 2 of 3"),
        (staged(counts=counts(pending=49, updating=1)), "Wave 1 of 3"),
    ],
)
def test_why_a_wave_cannot_be_promoted(its_deployment: Deployment, words: str) -> None:
    reason = why_not_promoted(its_deployment)
    assert reason is not None
    assert words in reason


@pytest.mark.parametrize(
    ("why", "states", "wave", "none"),
    [
        ("nothing of it has started", {"pending": 49, "succeeded": 1}, Wave(open=2, began_with=1), False),
        ("one is updating", {"pending": 48, "failed": 1, "updating": 1}, Wave(), False),
        ("all that started failed", {"pending": 49, "failed": 1}, Wave(), True),
        ("one of it succeeded", {"pending": 48, "failed": 1, "succeeded": 1}, Wave(succeeded=1), False),
        (
            "the successes are those of an earlier wave",
            {"pending": 45, "failed": 4, "succeeded": 1},
            Wave(open=2, began_with=1),
            True,
        ),
    ],
)
def test_a_wave_has_no_success_when(why: str, states: dict[str, int], wave: Wave, none: bool) -> None:
    assert has_no_success(staged(counts=counts(**states), wave=wave)) is none, why


@pytest.mark.parametrize(
    ("its_deployment", "words"),
    [
        (deployment(waves=(3,), counts=counts(failed=1)), "the only target that started failed;"),
        (deployment(waves=(3,), counts=counts(failed=3)), "none of the 3 targets that started succeeded;"),
        (staged(counts=counts(failed=1)), "the only target that started in wave 1 of 3 failed;"),
        (
            staged(counts=counts(succeeded=1, failed=4), wave=Wave(open=2, began_with=1)),
            "none of the 4 targets that started in wave 2 of 3 succeeded;",
        ),
    ],
)
def test_the_reason_says_which_wave_and_how_many(its_deployment: Deployment, words: str) -> None:
    assert words in why_no_success(its_deployment)
