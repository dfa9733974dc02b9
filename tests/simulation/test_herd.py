"""Two thousand agents lose their coordinator at one moment, and do not come back at one moment.

The property. Each agent has two things to say to a coordinator that came back at the moment T: a heartbeat and a
blocking query. Spread evenly over one heartbeat interval, these are 40 requests in 100 ms. Then

- in no 100 ms from T on do more than twice as many come, and once all are back, in no quarter of a second more than
  that: a heartbeat comes in every interval, but a query only every third, so there is room for chance, if little;
- every agent has reported within an interval and a tenth of it, and waits for a new desired state again within two:
  well within its time to live, which is three;
- the heartbeats stay spread: in no second of the intervals that follow come more than a quarter above the even share;
- while the coordinator is away no agent knocks more than five times in any interval.

The last tests show that this bites: each takes one piece of chance away, and a promise is broken.
"""

import asyncio
from collections.abc import Callable, Iterator

import msgspec
import pytest

from dides.agent.schedule import Rhythm
from simulator.base.loop import run_virtually
from support.herd import (
    BIN,
    HerdCoordinator,
    Knock,
    LoopClock,
    Speaker,
    busiest,
    firsts,
    most_often,
    start_herd,
    undisturbed,
)

FLEET = 2000
LATER_BIN = 0.25
"""Seconds: by chance alone the requests of so small a fleet differ too much from one 100 ms to another."""
SMALLER_FLEET = 1000
INTERVAL = 10.0
SETTLING = 12.0
Spoil = Callable[[Speaker], None]


class Course(msgspec.Struct, frozen=True):
    """What happened in an outage and after it."""

    count: int
    knocks: list[Knock]
    """All requests since the coordinator went."""
    came: float
    ended: float

    @property
    def away(self) -> list[Knock]:
        return [knock for knock in self.knocks if knock.at < self.came]

    def since(self, intervals: float, method: str = "") -> list[Knock]:
        start = self.came + intervals * INTERVAL
        return [knock for knock in self.knocks if knock.at >= start and method in ("", knock.method)]


def broken_promises(course: Course) -> list[str]:
    """Return which parts of the property do not hold."""
    each = course.count / INTERVAL
    reports, queries = (firsts(course.since(0, method), course.came) for method in ("PATCH", "GET"))
    promises = {
        "spread": busiest(course.since(0)) <= 2 * 2 * each * BIN,
        "spread later": busiest(course.since(2), LATER_BIN) <= 2 * each * LATER_BIN,
        "heard of": len(reports) == course.count and max(reports.values()) <= 1.1 * INTERVAL,
        "listening": len(queries) == course.count and max(queries.values()) <= 2 * INTERVAL,
        "heartbeats spread": busiest(course.since(1, "PATCH"), 1.0) <= 1.25 * each,
        "patient": most_often(course.away, INTERVAL) <= 5,
    }
    return [promise for promise, kept in promises.items() if not kept]


async def lose(how: str, away: float, count: int, then: float, spoil: Spoil) -> Course:
    """Let a fleet lose its coordinator for `away` seconds, and watch `then` intervals after it."""
    coordinator, loop = HerdCoordinator(INTERVAL), asyncio.get_running_loop()
    herd = start_herd(coordinator, count)
    await asyncio.sleep(SETTLING)
    assert coordinator.listeners > 0.9 * count
    for speaker in herd:
        spoil(speaker)
    before = len(coordinator.knocks)
    getattr(coordinator, how)()
    await asyncio.sleep(away)
    coordinator.away, came = False, loop.time()
    await asyncio.sleep(then * INTERVAL)
    return Course(count, coordinator.knocks[before:], came, loop.time())


def run(how: str, away: float, *, count: int = FLEET, then: float = 2.5, spoil: Spoil = lambda speaker: None) -> Course:
    return run_virtually(lose(how, away, count, then, spoil))


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with undisturbed():
        yield


@pytest.mark.parametrize(("how", "away"), [("stop", 1), ("kill", 10), ("stop", 60)])
def test_a_fleet_comes_back_without_a_stampede(how: str, away: float) -> None:
    assert broken_promises(run(how, away)) == []


@pytest.mark.parametrize(("how", "then"), [("let_go", 3.5), ("cut", 2.5)])
def test_a_fleet_that_is_moved_to_another_coordinator_goes_there_without_a_stampede(how: str, then: float) -> None:
    """A load balancer moves them at once: the other coordinator is there, and all of their queries have just ended.

    It once got nearly all of them in the first 100 ms, and again every thirty seconds from then on.
    """
    assert broken_promises(run(how, 0, then=then)) == []


@pytest.mark.parametrize(("how", "away"), [("stop", 1), ("kill", 10), ("let_go", 0)])
def test_without_jitter_it_is_a_stampede(how: str, away: float) -> None:
    def take_jitter(speaker: Speaker) -> None:
        speaker.chance.share = 1.0

    course = run(how, away, count=SMALLER_FLEET, spoil=take_jitter)
    assert "spread" in broken_promises(course)
    assert busiest(course.since(0, "GET")) > SMALLER_FLEET / 2


def test_without_a_rest_after_a_query_that_was_let_go_it_is_a_stampede() -> None:
    def take_rest(speaker: Speaker) -> None:
        speaker.chance.share = 0.0

    course = run("let_go", 0, count=SMALLER_FLEET, then=3.5, spoil=take_rest)
    assert "spread" in broken_promises(course)
    assert "spread later" in broken_promises(course)


def test_heartbeats_that_follow_the_last_answer_come_in_waves_for_ever() -> None:
    class Following(Rhythm):
        def skip(self, now: float, seconds: float) -> None:
            self._due = now + max(seconds, self._interval)

    def take_rhythm(speaker: Speaker) -> None:
        speaker.conversation._rhythm = Following(speaker.chance, INTERVAL, LoopClock().monotonic())

    course = run("kill", 10, count=SMALLER_FLEET, then=3.5, spoil=take_rhythm)
    assert "heartbeats spread" in broken_promises(course)
