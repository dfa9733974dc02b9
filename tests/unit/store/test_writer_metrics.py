"""What a writer counts, before anybody is told of the work that it counts."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from threading import Event

import pytest

from dides.model.errors import NotFoundError, UnavailableError
from dides.store.interface import Transaction
from dides.store.sql.transaction import SqlTransaction
from dides.store.sqlite.store import SqliteStore
from support.app import until
from support.clocks import FakeClock
from support.stores import add

PATIENCE = 10.0


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path / "dides.db", FakeClock())
    yield store
    await store.close()


def refuse(_: Transaction) -> None:
    raise NotFoundError("nothing here")


def fill_the_disk(tx: Transaction) -> None:
    assert isinstance(tx, SqlTransaction)
    pages = tx.inventory._db.exec_driver_sql("PRAGMA page_count").scalar_one()
    tx.inventory._db.exec_driver_sql(f"PRAGMA max_page_count = {pages}").close()


async def test_work_that_is_durable_is_counted(store: SqliteStore) -> None:
    (writer,) = store.writers
    for number in (1, 2, 3):
        await store.write(lambda tx: None)
        assert (writer.done, writer.refused, writer.lost) == (number, 0, 0)
    assert writer.name == "sqlite-writer"
    assert writer.transactions.cumulative()[-1] == writer.commits.cumulative()[-1] == 3
    assert 0 < writer.commits.sum <= writer.transactions.sum
    assert writer.sizes.sum == 3


async def test_work_that_is_refused_is_counted_apart(store: SqliteStore) -> None:
    (writer,) = store.writers
    with pytest.raises(NotFoundError):
        await store.write(refuse)
    assert (writer.done, writer.refused, writer.lost) == (0, 1, 0)


async def test_work_that_the_disk_did_not_take_is_lost(store: SqliteStore) -> None:
    (writer,) = store.writers
    await store.write(fill_the_disk)
    commits = writer.commits.cumulative()[-1]
    with pytest.raises(UnavailableError):
        await store.write(lambda tx: [add(tx, f"web-{number}") for number in range(200)])
    assert (writer.done, writer.lost) == (1, 1)
    assert writer.transactions.cumulative()[-1] == 2
    assert writer.commits.cumulative()[-1] == commits, "a commit that did not happen took no time"


async def test_what_waits_is_counted_until_it_is_taken(store: SqliteStore) -> None:
    (writer,) = store.writers
    entered, opened = Event(), Event()

    def wait(_: Transaction) -> None:
        entered.set()
        assert opened.wait(PATIENCE)

    first = asyncio.create_task(store.write(wait))
    await until(entered.is_set)
    others = [asyncio.create_task(store.write(lambda tx: None)) for _ in range(5)]
    await until(lambda: writer.waiting() == 5)
    opened.set()
    await asyncio.gather(first, *others)
    assert writer.waiting() == 0
    assert writer.done == 6
    assert writer.sizes.cumulative()[:4] == [1, 1, 1, 2], "one alone, then five together"
