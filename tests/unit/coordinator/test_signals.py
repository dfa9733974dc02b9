"""What the services tell each other: who waits is woken, and nothing that comes early is lost."""

import asyncio

from dides.coordinator.feed import Feed
from dides.coordinator.signals import Signals

PATIENCE = 10.0
NOT_AT_ALL = 0.0


async def test_who_listens_hears_of_its_instance_only() -> None:
    feed = Feed()
    with feed.listen("a") as first, feed.listen("a") as second, feed.listen("b") as other:
        feed.publish(["a", "nobody"])
        assert (first.is_set(), second.is_set(), other.is_set()) == (True, True, False)


async def test_what_was_published_before_is_not_heard_and_nobody_is_remembered() -> None:
    feed = Feed()
    feed.publish(["a"])
    with feed.listen("a") as heard:
        assert not heard.is_set()
    with feed.listen("a"):
        pass
    assert not feed._listeners


async def test_one_that_stops_listening_does_not_silence_the_others() -> None:
    feed = Feed()
    with feed.listen("a") as heard:
        with feed.listen("a"):
            pass
        feed.publish(["a"])
        assert heard.is_set()


async def test_at_the_end_everyone_is_woken_and_who_comes_later_can_see_it() -> None:
    feed = Feed()
    with feed.listen("a") as heard:
        feed.close()
        assert heard.is_set()
    assert feed.closed


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
