"""Load is shed while the event loop comes late, a turn at a time, and never from those that are waited for."""

import asyncio

import pytest

from dides.api.fastpath.fair_queue import FairQueue
from dides.api.fastpath.load_shedding import Overload
from dides.model.instance import InstanceSummary
from dides.model.state import State
from support.summaries import a_summary

IDLE = a_summary()


async def test_nothing_is_shed_while_the_loop_is_in_time() -> None:
    overload = Overload(most=0)
    assert not overload.sheds(IDLE)
    overload.shedding = True
    assert overload.sheds(IDLE)
    assert overload.shed == 1


@pytest.mark.parametrize("summary", [a_summary(generation=1), a_summary(generation=1, heard=1, desired=State("2"))])
async def test_who_is_waited_for_is_served(summary: InstanceSummary) -> None:
    overload = Overload(most=0)
    overload.shedding = True
    assert not overload.sheds(summary)


async def test_so_many_are_taken_in_each_turn() -> None:
    overload = Overload(most=2)
    overload.shedding = True
    for _ in range(3):
        assert [overload.sheds(IDLE) for _ in range(4)] == [False, False, True, True]
        await asyncio.sleep(0)


async def test_a_loop_that_comes_late_is_noticed_and_its_recovery_at_once() -> None:
    overload = Overload()
    loop = asyncio.get_running_loop()
    watching = asyncio.create_task(overload.watch())
    await asyncio.sleep(0)
    until = loop.time() + 0.2
    while loop.time() < until:
        pass
    async with asyncio.timeout(10):
        while not overload.shedding:
            await asyncio.sleep(0)
        while overload.shedding:
            await asyncio.sleep(0)
    watching.cancel()


async def test_it_is_said_that_load_is_refused_while_the_line_is_full() -> None:
    overload = Overload()
    overload.fair_queue = FairQueue(longest=1)
    assert not overload.refuses
    overload.fair_queue.wait("a", lambda: None)
    assert overload.refuses
    overload.fair_queue = FairQueue()
    overload.shedding = True
    assert overload.refuses
