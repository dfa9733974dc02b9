"""What the services tell the loop that takes steps: nothing that comes early is lost."""

import asyncio

from dides.coordinator.signals import Signals

PATIENCE = 10.0
NOT_AT_ALL = 0.0


async def test_a_step_that_becomes_due_while_nobody_waits_is_not_lost() -> None:
    signals = Signals()
    signals.step_due()
    signals.step_due()
    await asyncio.wait_for(signals.wait_for_step(PATIENCE * 2), PATIENCE)


async def test_a_step_that_becomes_due_while_another_runs_is_taken_after_it() -> None:
    signals = Signals()
    signals.step_due()
    signals.step_begins()
    signals.step_due()
    await asyncio.wait_for(signals.wait_for_step(PATIENCE * 2), PATIENCE)


async def test_without_anything_due_the_wait_ends_by_itself() -> None:
    signals = Signals()
    signals.step_due()
    signals.step_begins()
    await asyncio.wait_for(signals.wait_for_step(NOT_AT_ALL), PATIENCE)
