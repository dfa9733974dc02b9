"""What the services tell the loop that takes steps: nothing that comes early is lost."""

import asyncio

from dides.coordinator.memory.signals import Signals

TURNS = 10
"""Turns of the event loop, after which everything has run that waits for nothing."""
FOR_EVER = 3600.0
PATIENCE = 10.0
"""Seconds after which a test gives up; only a failing one waits so long."""
NOT_AT_ALL = 0.0


async def ended(waiting: "asyncio.Task[None]") -> bool:
    """Tell whether a wait has ended by itself, and end it."""
    for _ in range(TURNS):
        await asyncio.sleep(0)
    found = waiting.done()
    waiting.cancel()
    await asyncio.wait({waiting})
    return found


def begin(signals: Signals, seconds: float = FOR_EVER) -> "asyncio.Task[None]":
    return asyncio.create_task(signals.wait_for_step(seconds))


async def test_a_step_that_becomes_due_while_nobody_waits_is_not_lost() -> None:
    signals = Signals()
    signals.step_due()
    assert await ended(begin(signals))


async def test_a_step_that_becomes_due_while_somebody_waits_ends_the_wait() -> None:
    signals = Signals()
    waiting = begin(signals)
    await asyncio.sleep(0)
    signals.step_due()
    assert await ended(waiting)


async def test_a_step_that_becomes_due_while_another_runs_is_taken_after_it() -> None:
    signals = Signals()
    signals.step_due()
    signals.step_begins()
    signals.step_due()
    assert await ended(begin(signals))


async def test_what_was_due_when_a_step_began_is_taken_by_it_and_not_by_another() -> None:
    signals = Signals()
    signals.step_due()
    signals.step_due()
    signals.step_begins()
    assert not await ended(begin(signals))


async def test_with_nothing_due_nobody_is_woken() -> None:
    assert not await ended(begin(Signals()))


async def test_without_anything_due_the_wait_ends_by_itself() -> None:
    async with asyncio.timeout(PATIENCE):
        await Signals().wait_for_step(NOT_AT_ALL)
