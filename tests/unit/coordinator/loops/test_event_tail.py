"""The tail of the event log: every listener hears every event once and in order, and one look serves all of them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar

import pytest

from dides.coordinator.loops import event_tail as module
from dides.coordinator.loops.event_tail import KEPT, PIECE, Tail
from dides.model.errors import UnavailableError
from dides.store.interface import Transaction
from dides.store.records import Event
from dides.store.sqlite.store import SqliteStore
from support.app import until
from support.clocks import FakeClock
from support.sqlite import sqlite_store
from support.wrapped_store import AwayStore

T = TypeVar("T")
LONG = 60.0
"""Seconds that nobody waits in these tests unless something is wrong."""
Following = AsyncGenerator[tuple[int, list[Event]], None]


class Log(AwayStore):
    """A store whose reads are counted, and whose database can be taken away."""

    def __init__(self, store: SqliteStore) -> None:
        super().__init__(store)
        self.reads = 0
        self.written = 0

    async def read(self, work: Callable[[Transaction], T]) -> T:
        self.reads += 1
        return await super().read(work)

    async def happen(self, number: int = 1, deployment_id: int | None = None) -> None:
        """Let events happen; each says of itself which one it is."""
        happened = [
            Event(at=0, kind="test", actor="test", deployment_id=deployment_id, data={"number": self.written + each})
            for each in range(1, number + 1)
        ]
        await self.write(lambda tx: tx.events.append(happened))
        self.written += number


@pytest.fixture
async def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Log]:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.001)
    store = sqlite_store(tmp_path / "dides.db", FakeClock())
    yield Log(store)
    await store.close()


@pytest.fixture
async def older(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = sqlite_store(tmp_path / "older.db", FakeClock())
    yield store
    await store.close()


@asynccontextmanager
async def running(log: Log) -> AsyncIterator[Tail]:
    """Run a tail for as long as the block lasts; like a coordinator, it goes on after an error."""
    tail = Tail(log)

    async def look() -> None:
        while True:
            with suppress(UnavailableError):
                await tail.run()
            await asyncio.sleep(0.001)

    looking = asyncio.create_task(look())
    try:
        async with asyncio.timeout(20):
            yield tail
    finally:
        await ended(looking)


async def ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def begun(tail: Tail, last: int | None = None, deployment_id: int | None = None) -> tuple[Following, int]:
    """Return a stream that has begun, and where."""
    following = tail.follow(last, deployment_id, LONG)
    at, found = await anext(following)
    assert found == []
    return following, at


async def heard(following: Following, number: int) -> list[int]:
    """Return the ids of the next events, so many of them."""
    ids: list[int] = []
    while len(ids) < number:
        at, events = await anext(following)
        ids += [each.id for each in events]
        assert at >= ids[-1]
    return ids


async def test_a_stream_begins_now_and_has_every_event_from_then_on(log: Log) -> None:
    await log.happen(3)
    async with running(log) as tail:
        following, at = await begun(tail)
        assert at == 3
        await log.happen(2)
        await log.happen(2)
        assert await heard(following, 4) == [4, 5, 6, 7]


async def test_a_stream_goes_on_after_the_event_that_was_seen_last(log: Log) -> None:
    await log.happen(5)
    async with running(log) as tail:
        following, at = await begun(tail, 2)
        assert at == 2
        await log.happen(1)
        assert await heard(following, 4) == [3, 4, 5, 6]


@pytest.mark.parametrize("behind", [PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, KEPT + PIECE + 1])
async def test_one_that_is_far_behind_reads_the_log_and_misses_nothing(log: Log, behind: int) -> None:
    await log.happen(behind)
    async with running(log) as tail:
        following, _ = await begun(tail, 0)
        await log.happen(3)
        assert await heard(following, behind + 3) == list(range(1, behind + 4))


async def test_more_than_is_kept_in_memory_reaches_one_that_does_not_keep_up(log: Log) -> None:
    async with running(log) as tail:
        slow, _ = await begun(tail)
        for _ in range(KEPT // PIECE + 2):
            await log.happen(PIECE)
        await until(lambda: tail._newest == log.written)
        assert len(tail._kept) == KEPT
        assert await heard(slow, log.written) == list(range(1, log.written + 1))


async def test_what_happened_after_the_newest_look_is_heard_once(log: Log) -> None:
    """One that is behind reads the log, which may be ahead of the newest look; it must not be set back to that."""
    await log.happen(4)
    tail = Tail(log)
    tail._newest = 2
    following, _ = await begun(tail, 0)
    assert await heard(following, 2) == [1, 2]
    looking = asyncio.create_task(tail.run())
    await log.happen(1)
    assert await heard(following, 3) == [3, 4, 5]
    await ended(looking)


async def test_what_was_seen_last_at_another_coordinator_is_not_heard_again(log: Log) -> None:
    """The other one has looked at the log a moment later than this one, which is about to look again."""
    await log.happen(3)
    tail = Tail(log)
    tail._newest = 1
    looking = asyncio.create_task(tail.run())
    following, at = await begun(tail, 3)
    assert at == 3
    await log.happen(1)
    assert await heard(following, 1) == [4]
    await ended(looking)


async def test_only_one_deployment_is_heard_and_the_place_goes_on_with_the_others(log: Log) -> None:
    await log.happen(2, deployment_id=7)
    async with running(log) as tail:
        following, at = await begun(tail, 0, deployment_id=7)
        assert await anext(following) == (2, await events(log, [1, 2]))
        await log.happen(3, deployment_id=8)
        await log.happen(1, deployment_id=7)
        assert await heard(following, 1) == [6]
        quiet = tail.follow(None, 7, 0.01)
        await anext(quiet)
        await log.happen(1, deployment_id=8)
        at = 0
        while at < 7:
            at, found = await anext(quiet)
            assert found == []


async def events(log: Log, ids: list[int]) -> list[Event]:
    every = await log.read(lambda tx: tx.events.page(None, None, 1000))
    return [each for each in every if each.id in ids]


async def test_many_listeners_share_one_look(log: Log) -> None:
    async with running(log) as tail:
        streams = [(await begun(tail))[0] for _ in range(50)]
        await log.happen(3)
        await until(lambda: tail._newest == 3)
        before = tail._begun, log.reads
        assert [await heard(each, 3) for each in streams] == [[1, 2, 3]] * 50
        assert log.reads - before[1] <= 2 * (tail._begun - before[0]) + 2, "two for a look, and none for a listener"


async def test_nobody_looks_while_nobody_listens(log: Log) -> None:
    async with running(log) as tail:
        following, _ = await begun(tail)
        assert tail.listeners == 1
        await following.aclose()
        assert tail.listeners == 0
        await until(lambda: tail._newest is None)
        before = log.reads
        await log.happen(2)
        assert not tail._wanted.is_set()
        assert log.reads == before
        again, at = await begun(tail)
        assert at == 2
        await log.happen(1)
        assert await heard(again, 1) == [3]


async def test_something_is_said_where_nothing_happens(log: Log) -> None:
    await log.happen(1)
    async with running(log) as tail, aclosing(tail.follow(None, None, 0.01)) as following:
        assert [await anext(following) for _ in range(3)] == [(1, [])] * 3


async def test_a_database_that_was_put_back_is_followed_from_its_end(log: Log, older: SqliteStore) -> None:
    async with running(log) as tail:
        following, _ = await begun(tail)
        await log.happen(5)
        assert await heard(following, 5) == [1, 2, 3, 4, 5]
        await older.write(lambda tx: tx.events.append([Event(at=0, kind="test", actor="test")] * 2))
        log._store = older
        await until(lambda: tail._newest == 2)
        await log.happen(1)
        assert await heard(following, 1) == [3]
        late, at = await begun(tail, 5)
        assert at == 3, "what was seen last is not there any more"
        await log.happen(1)
        assert await heard(late, 1) == [4]


async def test_a_stream_ends_as_soon_as_the_log_cannot_be_read_and_can_be_begun_again(log: Log) -> None:
    await log.happen(1)
    async with running(log) as tail:
        following, _ = await begun(tail)
        log.away = True
        with pytest.raises(UnavailableError, match="taken away"):
            await anext(following)
        with pytest.raises(UnavailableError, match="taken away"):
            await begun(tail, 1)
        assert tail.listeners == 0
        log.away = False
        await log.happen(1)
        again, _ = await begun(tail, 1)
        assert await heard(again, 1) == [2]


async def test_a_stop_ends_every_stream_and_those_that_are_begun_later(log: Log) -> None:
    async with running(log) as tail:
        streams = [(await begun(tail))[0] for _ in range(3)]
        ends = [asyncio.create_task(anext(each, None)) for each in streams]
        never_looked = Tail(log)
        waiting = asyncio.create_task(anext(never_looked.follow(5, None, LONG), None))
        await until(lambda: never_looked.listeners == 1)
        tail.close()
        never_looked.close()
        assert await asyncio.gather(*ends, waiting) == [None] * 4
        assert await anext(tail.follow(5, None, LONG), None) is None, "and no place to go on from is told"
        assert tail.listeners == never_looked.listeners == 0
