"""A herd whose coordinator has much to do: it refuses a part with Retry-After, or asks for fewer heartbeats."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random

import pytest

from dides.client.errors import UnreachableError
from simulator.base.loop import run_virtually
from support.herd import (
    BIN,
    HerdCoordinator,
    busiest,
    firsts,
    longest_silence,
    most_often,
    start_herd,
    undisturbed,
)

FLEET = 2000
SMALLER_FLEET = 1000
INTERVAL = 10.0
TIME_TO_LIVE = 3 * INTERVAL
EVEN = FLEET * 2 / INTERVAL * BIN
"""A heartbeat and a query of every agent, spread over one interval."""


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with undisturbed():
        yield


async def settle(coordinator: HerdCoordinator, count: int = FLEET) -> float:
    """Start a fleet and let it settle; return when it has."""
    start_herd(coordinator, count)
    await asyncio.sleep(1.2 * coordinator.interval)
    return asyncio.get_running_loop().time()


def refuse_above(limit: int, again: float) -> Callable[[], float | None]:
    """Take no more than so many requests in each 100 ms, and send the others away for `again` seconds."""
    counted: Counter[int] = Counter()

    def shed() -> float | None:
        span = int(asyncio.get_running_loop().time() / BIN)
        counted[span] += 1
        return again if counted[span] > limit else None

    return shed


def test_nobody_falls_silent_when_one_request_in_five_is_refused() -> None:
    async def story() -> None:
        coordinator, random = HerdCoordinator(INTERVAL), Random(1)
        began = await settle(coordinator)
        coordinator.shed = lambda: 1.0 if random.random() < 0.2 else None
        await asyncio.sleep(60)
        knocks = [knock for knock in coordinator.knocks if knock.at >= began]
        assert longest_silence(coordinator.knocks, began + 60) < TIME_TO_LIVE
        assert busiest(knocks) < 1.5 * EVEN
        assert coordinator.listeners > 0.9 * FLEET

    run_virtually(story())


def test_a_coordinator_that_takes_no_more_than_the_even_share_has_everybody_back_in_time() -> None:
    """What it refuses comes again spread out: it is never asked for more than it would be anyway."""

    async def story() -> None:
        coordinator = HerdCoordinator(INTERVAL)
        await settle(coordinator)
        coordinator.kill()
        await asyncio.sleep(INTERVAL)
        coordinator.shed, coordinator.away = refuse_above(round(EVEN), again=2.0), False
        came = asyncio.get_running_loop().time()
        await asyncio.sleep(TIME_TO_LIVE)
        after = [knock for knock in coordinator.knocks if knock.at >= came]
        reports = firsts([knock for knock in after if knock.method == "PATCH"], came)
        assert len(reports) == FLEET
        assert max(reports.values()) < 2 * INTERVAL
        assert busiest(after) <= 2 * EVEN
        assert coordinator.listeners > 0.9 * FLEET

    run_virtually(story())


@pytest.mark.parametrize("asked", [1.0, 5.0, 30.0])
def test_those_who_are_sent_away_with_one_answer_do_not_return_at_one_moment(asked: float) -> None:
    async def story() -> None:
        coordinator = HerdCoordinator(INTERVAL)
        began = await settle(coordinator)
        coordinator.cut(UnreachableError("too much to do", asked))
        await asyncio.sleep(asked + 2 * INTERVAL)
        queries = [knock for knock in coordinator.knocks if knock.at >= began and knock.method == "GET"]
        assert min(firsts(queries, began).values()) >= asked
        assert max(firsts(queries, began).values()) < asked + INTERVAL + BIN
        assert busiest(queries) < EVEN

    run_virtually(story())


def test_with_long_intervals_they_return_within_one_and_are_patient_until_then() -> None:
    """Five minutes between heartbeats, ten of outage: it is not knocked at as if ten seconds had been agreed on."""
    interval = 300.0

    async def story() -> None:
        coordinator, loop = HerdCoordinator(interval), asyncio.get_running_loop()
        await settle(coordinator, SMALLER_FLEET)
        went = loop.time()
        coordinator.kill()
        await asyncio.sleep(600)
        coordinator.away, came = False, loop.time()
        await asyncio.sleep(600)
        away = [knock for knock in coordinator.knocks if went <= knock.at < came]
        reports = [knock for knock in coordinator.knocks if knock.at >= came and knock.method == "PATCH"]
        assert most_often([knock for knock in away if knock.method == "PATCH"], interval) <= 4
        assert most_often([knock for knock in away if knock.method == "GET"], 30.0) <= 2
        assert len(firsts(reports, came)) == SMALLER_FLEET
        assert max(firsts(reports, came).values()) <= 1.1 * interval
        assert busiest(reports, interval / 10) < 1.5 * SMALLER_FLEET / 10

    run_virtually(story())


def test_a_coordinator_that_comes_back_with_short_intervals_need_not_wait_for_the_long_ones_to_end() -> None:
    async def story() -> None:
        coordinator, loop = HerdCoordinator(300.0), asyncio.get_running_loop()
        await settle(coordinator, SMALLER_FLEET)
        coordinator.kill()
        await asyncio.sleep(60)
        coordinator.away, coordinator.interval, came = False, INTERVAL, loop.time()
        await asyncio.sleep(120)
        reports = [knock for knock in coordinator.knocks if knock.at >= came and knock.method == "PATCH"]
        # Up to a minute until a query is asked again, half of one until it is answered, and then an interval.
        assert max(firsts(reports, came).values()) < 60 + 30 + 1.1 * INTERVAL
        assert len(firsts(reports, came)) == SMALLER_FLEET
        later = [knock for knock in reports if knock.at >= came + 105]
        assert busiest(later, 1.0) < 1.5 * SMALLER_FLEET / INTERVAL

    run_virtually(story())


def test_those_who_were_started_while_the_coordinator_was_away_register_spread_out() -> None:
    async def story() -> None:
        coordinator, loop = HerdCoordinator(INTERVAL), asyncio.get_running_loop()
        coordinator.away = True
        start_herd(coordinator, FLEET)
        await asyncio.sleep(60)
        coordinator.away, came = False, loop.time()
        await asyncio.sleep(TIME_TO_LIVE)
        after = [knock for knock in coordinator.knocks if knock.at >= came]
        assert len(coordinator.known) == FLEET
        # Three requests of each, one after the other: a registration, a heartbeat and a query.
        assert busiest(after) < 2 * EVEN
        assert busiest([knock for knock in after if knock.method == "POST"]) < EVEN

    run_virtually(story())


def test_those_whom_the_coordinator_has_forgotten_register_spread_out() -> None:
    """It lost its data, or has an older copy of them: everybody's credential is unknown when it comes back."""

    async def story() -> None:
        coordinator, loop = HerdCoordinator(INTERVAL), asyncio.get_running_loop()
        await settle(coordinator)
        coordinator.kill()
        coordinator.known.clear()
        await asyncio.sleep(INTERVAL)
        coordinator.away, came = False, loop.time()
        await asyncio.sleep(TIME_TO_LIVE)
        after = [knock for knock in coordinator.knocks if knock.at >= came]
        registrations = [knock for knock in after if knock.method == "POST"]
        assert len(firsts(registrations, came)) == FLEET
        assert max(firsts(registrations, came).values()) < 2 * INTERVAL
        # A request that is refused, a registration, a heartbeat and a query of each.
        assert busiest(registrations) < EVEN
        assert busiest(after) < 3 * EVEN

    run_virtually(story())
