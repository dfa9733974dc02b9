"""An error stays with its own unit of work, a failure with its group, and the writer goes on."""

import asyncio

import pytest
from sqlalchemy import Connection, Engine, RootTransaction

from dides.model.errors import ConflictError, NotFoundError, OutcomeUnknownError, UnavailableError
from dides.store.broadcaster import Broadcaster
from dides.store.interface import Transaction
from dides.store.records import Changes
from dides.store.writer import Begun, LocalTransactions, Writer
from support.clocks import FakeClock
from support.stores import add
from support.writers import PATIENCE, Gate, connection_of, limit_pages, note, noted


class MistakenTransactions(LocalTransactions):
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


class MistakenBroadcaster(Broadcaster):
    """Cannot tell anything."""

    def broadcast(self, changes: Changes) -> None:
        raise ValueError(changes)


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
    writer = Writer(engine, MistakenTransactions(breaks), Broadcaster())
    with pytest.raises(UnavailableError, match="internal error"):
        writer.submit(note(1)).result(PATIENCE)
    assert writer.submit(note(2)).result(PATIENCE) == 2
    assert noted(writer) == [2]
    writer.close()


async def test_what_cannot_be_told_fails_its_group_and_not_the_writer(engine: Engine) -> None:
    broadcaster = MistakenBroadcaster()
    writer = Writer(engine, LocalTransactions(FakeClock().now), broadcaster)
    with broadcaster.joined(lambda _: None):
        with pytest.raises(OutcomeUnknownError, match="is stored"):
            await asyncio.wrap_future(writer.submit(lambda tx: add(tx, "web-1")))
        assert await asyncio.wrap_future(writer.submit(lambda tx: tx.inventory.get("web-1")))
    await asyncio.to_thread(writer.close)
