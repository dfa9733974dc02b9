"""So many are answered in a turn of the loop, the others in the next ones, in the order in which they came."""

import asyncio
from functools import partial
from itertools import pairwise

from dides.api.fastpath.fair_queue import FairQueue


async def test_so_many_are_answered_in_a_turn_and_the_others_wait() -> None:
    queue, answered = FairQueue(most=3), list[int]()
    loop = asyncio.get_running_loop()
    now = [queue.is_now() for _ in range(5)]
    assert now == [True, True, True, False, False]
    for number in range(7):
        queue.wait(str(number), partial(answered.append, number))
    assert not queue.is_now(), "nobody goes before those who wait"
    seen = [0]

    def look() -> None:
        """Somebody else's callback, which is run in every turn."""
        seen.append(len(answered))
        if queue.waiting:
            loop.call_soon(look)

    look()
    while queue.waiting:
        await asyncio.sleep(0)
    look()
    assert answered == list(range(7))
    assert max(after - before for before, after in pairwise(seen)) == 3
    await asyncio.sleep(0)
    assert queue.is_now(), "and afterwards it is as before"


async def test_the_line_has_an_end() -> None:
    queue = FairQueue(most=1, longest=2)
    assert not queue.is_full
    for _ in range(2):
        queue.wait("a", lambda: None)
    assert (queue.is_full, queue.waiting) == (True, 2)


async def test_an_instance_has_one_place_however_much_it_asks() -> None:
    queue, answered = FairQueue(most=1), list[str]()
    assert queue.is_now()
    for who in ("greedy", "greedy", "greedy", "greedy", "b", "c", "greedy", "d", "b"):
        queue.wait(who, partial(answered.append, who))
    while queue.waiting:
        await asyncio.sleep(0)
    assert answered == ["greedy", "b", "c", "d", "greedy", "b", "greedy", "greedy", "greedy"]
