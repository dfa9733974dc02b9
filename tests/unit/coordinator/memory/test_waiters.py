"""Who waits for an instance is woken when it changes, in order, and not all in one turn of the loop."""

import asyncio
from functools import partial
from itertools import pairwise

from dides.coordinator.memory.waiters import MOST_IN_A_TURN, Waiters

PATIENCE = 20.0
"""Seconds that nobody waits in these tests unless something is wrong."""


async def settle(waiters: Waiters) -> None:
    """Let everything that is due be woken."""
    while waiters._due:
        await asyncio.sleep(0)


def note(woken: list[str], name: str, _: object) -> None:
    woken.append(name)


async def test_who_waits_hears_of_its_instance_only() -> None:
    waiters = Waiters()
    first, second, other = waiters.wait("a", PATIENCE), waiters.wait("a", PATIENCE), waiters.wait("b", PATIENCE)
    waiters.publish(["a", "nobody"])
    await settle(waiters)
    assert (first.done(), second.done(), other.done()) == (True, True, False)
    assert (waiters.held, waiters.woken, waiters.holds("a"), waiters.holds("b")) == (1, 2, False, True)


async def test_what_was_published_before_is_not_heard() -> None:
    waiters = Waiters()
    waiters.publish(["a"])
    wait = waiters.wait("a", PATIENCE)
    await settle(waiters)
    assert not wait.done()


async def test_one_that_leaves_does_not_silence_the_others_and_is_forgotten() -> None:
    waiters = Waiters()
    staying, leaving = waiters.wait("a", PATIENCE), waiters.wait("a", PATIENCE)
    waiters.leave(leaving)
    waiters.leave(leaving)
    assert waiters.held == 1
    waiters.publish(["a"])
    await settle(waiters)
    assert (staying.done(), leaving.done(), waiters.held, waiters.holds("a")) == (True, False, 0, False)


async def test_one_that_leaves_after_it_was_told_and_before_it_was_woken_is_counted_once() -> None:
    waiters = Waiters()
    leaving, again = waiters.wait("a", PATIENCE), waiters.wait("a", PATIENCE)
    waiters.publish(["a"])
    waiters.leave(leaving)
    later = waiters.wait("a", PATIENCE)
    await asyncio.wait_for(again, PATIENCE / 2)
    assert (waiters.held, waiters.holds("a"), later.done()) == (1, True, False)


async def test_a_wait_ends_in_time() -> None:
    waiters = Waiters()
    await asyncio.wait_for(waiters.wait("a", 0.01), PATIENCE / 2)
    assert (waiters.held, waiters.woken, waiters.holds("a")) == (0, 0, False)


async def test_at_the_end_everyone_is_woken_and_who_comes_later_can_see_it() -> None:
    waiters = Waiters()
    waits = [waiters.wait(name, PATIENCE) for name in "abc"]
    waiters.close()
    await asyncio.wait_for(asyncio.gather(*waits), PATIENCE / 2)
    assert waiters.closed


async def test_many_are_woken_in_order_and_so_many_in_a_turn() -> None:
    waiters, woken = Waiters(), list[str]()
    names = [f"web-{number:04}" for number in range(3 * MOST_IN_A_TURN)]
    for name in reversed(names):
        waiters.wait(name, PATIENCE).add_done_callback(partial(note, woken, name))
    waiters.publish(reversed(names[:MOST_IN_A_TURN]))
    waiters.publish(names[MOST_IN_A_TURN:])
    counts = [0]
    while counts[-1] < len(names):
        await asyncio.sleep(0)
        counts.append(len(woken))
    assert woken == names
    assert max(after - before for before, after in pairwise(counts)) == MOST_IN_A_TURN
