"""Group commit: what waits together becomes durable together, and nobody is told before."""

import asyncio
from contextlib import suppress

from sqlalchemy import Engine, event

from dides.model.errors import UnavailableError
from dides.store.broadcaster import Broadcaster
from dides.store.records import Changes
from dides.store.sql.transaction import MOST_BROADCAST
from dides.store.writer import LARGEST_GROUP, LocalTransactions, Writer
from support.clocks import FakeClock
from support.stores import add
from support.writers import PATIENCE, Gate, limit_pages, note, noted


def test_what_gathers_is_committed_once(writer: Writer, commits: list[str]) -> None:
    gate = Gate(writer)
    waiting = [writer.submit(note(value)) for value in range(50)]
    gate.open()
    assert [each.result(PATIENCE) for each in waiting] == list(range(50))
    assert len(commits) == 2
    assert noted(writer) == list(range(50))


def test_a_group_has_a_largest_size(writer: Writer, commits: list[str]) -> None:
    gate = Gate(writer)
    waiting = [writer.submit(lambda tx: None) for _ in range(2 * LARGEST_GROUP + 1)]
    gate.open()
    for each in waiting:
        each.result(PATIENCE)
    assert len(commits) == 1 + 3


def test_nobody_is_told_before_the_commit(writer: Writer, engine: Engine) -> None:
    done_at_commit: list[bool] = []
    gate = Gate(writer)
    first, second = writer.submit(note(1)), writer.submit(note(2))
    gate.done.add_done_callback(
        lambda _: event.listen(engine, "commit", lambda _: done_at_commit.extend([first.done(), second.done()]))
    )
    gate.open()
    assert second.result(PATIENCE) == 2
    assert done_at_commit == [False, False]


async def test_followers_hear_after_the_commit_and_before_anybody_is_told(engine: Engine, commits: list[str]) -> None:
    broadcaster, heard = Broadcaster(), asyncio.Event()
    writer = Writer(engine, LocalTransactions(FakeClock().now), broadcaster)
    order: list[str] = []

    def hear(changes: Changes) -> None:
        order.extend([*commits, *(summary.name for summary in changes.summaries)])
        heard.set()

    with broadcaster.joined(hear):
        future = writer.submit(lambda tx: add(tx, "web-1"))
    future.add_done_callback(lambda _: order.append("told"))
    async with asyncio.timeout(PATIENCE):
        await asyncio.wrap_future(future)
        await heard.wait()
    assert [each for each in order if each != "told"] == ["commit", "web-1"]
    await asyncio.to_thread(writer.close)


async def test_of_a_group_that_fails_nobody_hears(engine: Engine) -> None:
    broadcaster = Broadcaster()
    writer = Writer(engine, LocalTransactions(FakeClock().now), broadcaster)
    heard: list[Changes] = []
    with broadcaster.joined(heard.append):
        limit_pages(writer, 1)
    for work in (lambda tx: (add(tx, "web-1"), note(1)(tx)), lambda tx: tx.inventory.get("web-1")):
        with suppress(UnavailableError):
            await asyncio.wrap_future(writer.submit(work))
    assert heard == []
    await asyncio.to_thread(writer.close)


def test_units_of_work_of_one_group_see_each_other_in_order(writer: Writer) -> None:
    gate = Gate(writer)
    first = writer.submit(lambda tx: add(tx, "web-1"))
    second = writer.submit(lambda tx: tx.inventory.get("web-1"))
    gate.open()
    assert second.result(PATIENCE) == first.result(PATIENCE)[0]


async def test_a_large_change_is_told_in_pieces(engine: Engine) -> None:
    broadcaster = Broadcaster()
    writer = Writer(engine, LocalTransactions(FakeClock().now), broadcaster)
    some = [f"web-{number}" for number in range(MOST_BROADCAST + 1)]
    heard: list[Changes] = []
    with broadcaster.joined(heard.append):
        await asyncio.wrap_future(writer.submit(lambda tx: add(tx, *some)))
    assert [len(each.summaries) for each in heard] == [MOST_BROADCAST, 1]
    await asyncio.to_thread(writer.close)
