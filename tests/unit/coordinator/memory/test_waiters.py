"""Who waits for an instance is woken when it changes, in order, and not all in one turn of the loop."""

import asyncio
from functools import partial
from itertools import pairwise

from dides.coordinator.memory.waiters import MOST_IN_A_TURN, Feed

PATIENCE = 20.0
"""Seconds that nobody waits in these tests unless something is wrong."""


async def settle(feed: Feed) -> None:
    """Let everything that is due be woken."""
    while feed._due:
        await asyncio.sleep(0)


def note(woken: list[str], name: str, _: object) -> None:
    woken.append(name)


async def test_who_waits_hears_of_its_instance_only() -> None:
    feed = Feed()
    first, second, other = feed.wait("a", PATIENCE), feed.wait("a", PATIENCE), feed.wait("b", PATIENCE)
    feed.publish(["a", "nobody"])
    await settle(feed)
    assert (first.done(), second.done(), other.done()) == (True, True, False)
    assert (feed.held, feed.woken, feed.holds("a"), feed.holds("b")) == (1, 2, False, True)


async def test_what_was_published_before_is_not_heard() -> None:
    feed = Feed()
    feed.publish(["a"])
    wait = feed.wait("a", PATIENCE)
    await settle(feed)
    assert not wait.done()


async def test_one_that_leaves_does_not_silence_the_others_and_is_forgotten() -> None:
    feed = Feed()
    staying, leaving = feed.wait("a", PATIENCE), feed.wait("a", PATIENCE)
    feed.leave(leaving)
    feed.leave(leaving)
    assert feed.held == 1
    feed.publish(["a"])
    await settle(feed)
    assert (staying.done(), leaving.done(), feed.held, feed.holds("a")) == (True, False, 0, False)


async def test_one_that_leaves_after_it_was_told_and_before_it_was_woken_is_counted_once() -> None:
    feed = Feed()
    leaving, again = feed.wait("a", PATIENCE), feed.wait("a", PATIENCE)
    feed.publish(["a"])
    feed.leave(leaving)
    later = feed.wait("a", PATIENCE)
    await asyncio.wait_for(again, PATIENCE / 2)
    assert (feed.held, feed.holds("a"), later.done()) == (1, True, False)


async def test_a_wait_ends_in_time() -> None:
    feed = Feed()
    await asyncio.wait_for(feed.wait("a", 0.01), PATIENCE / 2)
    assert (feed.held, feed.woken, feed.holds("a")) == (0, 0, False)


async def test_at_the_end_everyone_is_woken_and_who_comes_later_can_see_it() -> None:
    feed = Feed()
    waits = [feed.wait(name, PATIENCE) for name in "abc"]
    feed.close()
    await asyncio.wait_for(asyncio.gather(*waits), PATIENCE / 2)
    assert feed.closed


async def test_many_are_woken_in_order_and_so_many_in_a_turn() -> None:
    feed, woken = Feed(), list[str]()
    names = [f"web-{number:04}" for number in range(3 * MOST_IN_A_TURN)]
    for name in reversed(names):
        feed.wait(name, PATIENCE).add_done_callback(partial(note, woken, name))
    feed.publish(reversed(names[:MOST_IN_A_TURN]))
    feed.publish(names[MOST_IN_A_TURN:])
    counts = [0]
    while counts[-1] < len(names):
        await asyncio.sleep(0)
        counts.append(len(woken))
    assert woken == names
    assert max(after - before for before, after in pairwise(counts)) == MOST_IN_A_TURN
