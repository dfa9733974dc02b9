"""Group commit: what waits together becomes durable together, and an error stays with its own unit of work."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import pytest
from sqlalchemy import Connection, Engine, RootTransaction, event

from dides.model.errors import ConflictError, NotFoundError, OutcomeUnknownError, UnavailableError
from dides.store.audience import Audience
from dides.store.base import Transaction
from dides.store.briefs import TOLD
from dides.store.migrate import migrate
from dides.store.records import Changes
from dides.store.records import Event as Happened
from dides.store.sql import SqlTransaction
from dides.store.sqlite import SqliteStore, open_engine
from dides.store.writer import LARGEST_GROUP, Begun, PlainBounds, Writer
from support.clocks import FakeClock
from support.stores import add

PATIENCE = 10.0
"""Seconds after which a test gives up; only a failing one waits so long."""


def a_writer(engine: Engine) -> Writer:
    return Writer(engine, PlainBounds(FakeClock().now), Audience())


class MistakenBounds(PlainBounds):
    """Make a mistake once."""

    def __init__(self, breaks: str) -> None:
        super().__init__(FakeClock().now)
        self._breaks = breaks

    def begin(self, connection: Connection) -> Begun:
        self._mistake("begin")
        return super().begin(connection)

    def commit(self, transaction: RootTransaction, begun: Begun) -> None:
        self._mistake("commit")
        super().commit(transaction, begun)

    def _mistake(self, here: str) -> None:
        if self._breaks == here:
            self._breaks = ""
            raise ValueError(here)


class MistakenAudience(Audience):
    """Cannot tell anything."""

    def tell(self, changes: Changes) -> None:
        raise ValueError(changes)


class Gate:
    """A unit of work that holds the writer until it is opened, so that others gather behind it."""

    def __init__(self, writer: Writer) -> None:
        self._entered, self._open = Event(), Event()
        self.done: Future[None] = writer.submit(self._wait)
        assert self._entered.wait(PATIENCE)

    def _wait(self, _: Transaction) -> None:
        self._entered.set()
        assert self._open.wait(PATIENCE)

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = open_engine(tmp_path / "dides.db", "FULL", "BEGIN IMMEDIATE")
    migrate(engine)
    return engine


@pytest.fixture
def commits(engine: Engine) -> list[str]:
    """Grows with every commit and rollback of a whole transaction."""
    happened: list[str] = []
    event.listen(engine, "commit", lambda _: happened.append("commit"))
    event.listen(engine, "rollback", lambda _: happened.append("rollback"))
    return happened


@pytest.fixture
def writer(engine: Engine) -> Iterator[Writer]:
    writer = a_writer(engine)
    yield writer
    writer.close()


def connection_of(tx: Transaction) -> Connection:
    assert isinstance(tx, SqlTransaction)
    return tx.inventory._db


def note(value: int) -> Callable[[Transaction], int]:
    """Return a unit of work that adds an event of several pages."""

    def work(tx: Transaction) -> int:
        tx.events.append([Happened(at=value, kind="x" * 20_000, actor="me")])
        return value

    return work


def noted(writer: Writer) -> list[int]:
    every = writer.submit(lambda tx: [each.at for each in tx.events.page(None, None, 10_000)])
    return every.result(PATIENCE)


def limit_pages(writer: Writer, free: int) -> None:
    """Let the database grow by so many pages from now on: a disk that is nearly full."""

    def work(tx: Transaction) -> None:
        pages = connection_of(tx).exec_driver_sql("PRAGMA page_count").scalar_one()
        connection_of(tx).exec_driver_sql(f"PRAGMA max_page_count = {pages + free}").close()

    writer.submit(work).result(PATIENCE)


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
    audience, heard = Audience(), asyncio.Event()
    writer = Writer(engine, PlainBounds(FakeClock().now), audience)
    order: list[str] = []

    def hear(changes: Changes) -> None:
        order.extend([*commits, *(brief.name for brief in changes.briefs)])
        heard.set()

    with audience.joined(hear):
        future = writer.submit(lambda tx: add(tx, "web-1"))
    future.add_done_callback(lambda _: order.append("told"))
    async with asyncio.timeout(PATIENCE):
        await asyncio.wrap_future(future)
        await heard.wait()
    assert [each for each in order if each != "told"] == ["commit", "web-1"]
    await asyncio.to_thread(writer.close)


async def test_of_a_group_that_fails_nobody_hears(engine: Engine) -> None:
    audience = Audience()
    writer = Writer(engine, PlainBounds(FakeClock().now), audience)
    heard: list[Changes] = []
    with audience.joined(heard.append):
        limit_pages(writer, 1)
    for work in (lambda tx: (add(tx, "web-1"), note(1)(tx)), lambda tx: tx.inventory.get("web-1")):
        with suppress(UnavailableError):
            await asyncio.wrap_future(writer.submit(work))
    assert heard == []
    await asyncio.to_thread(writer.close)


def test_an_error_undoes_its_own_writes_only(writer: Writer, commits: list[str]) -> None:
    def fails(tx: Transaction) -> None:
        note(2)(tx)
        raise NotFoundError("nothing here")

    gate = Gate(writer)
    before, failing, after = writer.submit(note(1)), writer.submit(fails), writer.submit(note(3))
    gate.open()
    assert (before.result(PATIENCE), after.result(PATIENCE)) == (1, 3)
    with pytest.raises(NotFoundError, match="nothing here"):
        failing.result(PATIENCE)
    assert noted(writer) == [1, 3]
    assert commits[:2] == ["commit", "commit"]


def test_units_of_work_of_one_group_see_each_other_in_order(writer: Writer) -> None:
    gate = Gate(writer)
    first = writer.submit(lambda tx: add(tx, "web-1"))
    second = writer.submit(lambda tx: tx.inventory.get("web-1"))
    gate.open()
    assert second.result(PATIENCE) == first.result(PATIENCE)[0]


def test_a_full_disk_fails_the_whole_group_and_says_why(writer: Writer) -> None:
    writer.submit(note(0)).result(PATIENCE)
    limit_pages(writer, 8)
    gate = Gate(writer)
    waiting = [writer.submit(note(value)) for value in range(1, 6)]
    gate.open()
    for each in waiting:
        with pytest.raises(UnavailableError, match="database or disk is full"):
            each.result(PATIENCE)
    assert noted(writer) == [0]


def test_in_a_group_that_fails_nobody_is_refused_for_what_was_not_kept(writer: Writer) -> None:
    def refuses(tx: Transaction) -> None:
        if tx.inventory.get("web-1"):
            raise ConflictError("there is one already")

    gate = Gate(writer)
    first, refused = writer.submit(lambda tx: add(tx, "web-1")), writer.submit(refuses)
    limit = writer.submit(lambda tx: connection_of(tx).exec_driver_sql("PRAGMA max_page_count = 1").close())
    full = writer.submit(note(1))
    gate.open()
    for each in (first, refused, limit, full):
        with pytest.raises(UnavailableError):
            each.result(PATIENCE)


def test_it_works_again_once_there_is_room(writer: Writer) -> None:
    limit_pages(writer, 1)
    with pytest.raises(UnavailableError):
        writer.submit(note(1)).result(PATIENCE)
    limit_pages(writer, 1000)
    assert writer.submit(note(2)).result(PATIENCE) == 2
    assert noted(writer) == [2]


def test_a_transaction_that_broke_fails_its_group_and_not_the_writer(writer: Writer) -> None:
    def breaks(tx: Transaction) -> None:
        note(1)(tx)
        connection_of(tx).close()

    gate = Gate(writer)
    broken, after = writer.submit(breaks), writer.submit(note(2))
    gate.open()
    assert broken.exception(PATIENCE) is not None
    with pytest.raises(UnavailableError):
        after.result(PATIENCE)
    assert writer.submit(note(3)).result(PATIENCE) == 3
    assert noted(writer) == [3]


@pytest.mark.parametrize("breaks", ["begin", "commit"])
def test_a_mistake_of_ours_fails_its_group_and_not_the_writer(engine: Engine, breaks: str) -> None:
    writer = Writer(engine, MistakenBounds(breaks), Audience())
    with pytest.raises(UnavailableError, match="internal error"):
        writer.submit(note(1)).result(PATIENCE)
    assert writer.submit(note(2)).result(PATIENCE) == 2
    assert noted(writer) == [2]
    writer.close()


async def test_what_cannot_be_told_fails_its_group_and_not_the_writer(engine: Engine) -> None:
    audience = MistakenAudience()
    writer = Writer(engine, PlainBounds(FakeClock().now), audience)
    with audience.joined(lambda _: None):
        with pytest.raises(OutcomeUnknownError, match="is stored"):
            await asyncio.wrap_future(writer.submit(lambda tx: add(tx, "web-1")))
        assert await asyncio.wrap_future(writer.submit(lambda tx: tx.inventory.get("web-1")))
    await asyncio.to_thread(writer.close)


async def test_a_large_change_is_told_in_pieces(engine: Engine) -> None:
    audience = Audience()
    writer = Writer(engine, PlainBounds(FakeClock().now), audience)
    some = [f"web-{number}" for number in range(TOLD + 1)]
    heard: list[Changes] = []
    with audience.joined(heard.append):
        await asyncio.wrap_future(writer.submit(lambda tx: add(tx, *some)))
    assert [len(each.briefs) for each in heard] == [TOLD, 1]
    await asyncio.to_thread(writer.close)


def test_closing_finishes_what_was_accepted(engine: Engine, tmp_path: Path) -> None:
    writer = a_writer(engine)
    gate = Gate(writer)
    waiting = [writer.submit(note(value)) for value in range(2 * LARGEST_GROUP)]
    closing = Thread(target=writer.close)
    closing.start()
    gate.open()
    assert [each.result(PATIENCE) for each in waiting] == list(range(2 * LARGEST_GROUP))
    closing.join(PATIENCE)
    assert not closing.is_alive()
    with pytest.raises(UnavailableError, match="shutting down"):
        writer.submit(note(0))


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Make threads take turns often, so that races show."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("hasty_threads")
def test_a_submission_in_the_moment_of_closing_is_refused_or_finished(tmp_path: Path) -> None:
    """Accepted after the end of the queue, it would wait for ever."""

    def submit_until_refused(writer: Writer, many: Event) -> list[Future[int]]:
        accepted: list[Future[int]] = []
        with suppress(UnavailableError):
            while len(accepted) < 300:
                accepted.append(writer.submit(lambda _: 1))
                if len(accepted) > 20:
                    many.set()
        return accepted

    with ThreadPoolExecutor(2) as threads:
        for attempt in range(60):
            writer, many = (
                a_writer(open_engine(tmp_path / f"{attempt}.db", "OFF", "BEGIN IMMEDIATE")),
                Event(),
            )
            submitting = [threads.submit(submit_until_refused, writer, many) for _ in range(2)]
            assert many.wait(PATIENCE)
            writer.close()
            accepted = [future for each in submitting for future in each.result(PATIENCE)]
            assert all(future.done() for future in accepted)


async def test_closing_twice_is_fine(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "dides.db", FakeClock())
    await store.close()
    await store.close()
