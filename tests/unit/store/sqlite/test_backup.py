"""Backups: whole or not at all, also while the database is in use."""

import asyncio
import os
import sqlite3
import stat
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dides.model.errors import UnavailableError
from dides.model.selector import Selector
from dides.store.sqlite.backup import CopyError, back_up, check_database, copy_database
from dides.store.sqlite.store import SqliteStore
from support.clocks import FakeClock
from support.stores import add


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "dides.db"


@pytest.fixture
async def store(file: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(file, FakeClock())
    yield store
    await store.close()


async def count(file: Path) -> int:
    store = SqliteStore(file, FakeClock())
    try:
        return await store.read(lambda tx: tx.inventory.count(Selector(), None))
    finally:
        await store.close()


async def test_a_backup_has_all_that_was_acknowledged_before_it(store: SqliteStore, tmp_path: Path) -> None:
    await store.write(lambda tx: add(tx, "web-1", "web-2"))
    await store.backup(tmp_path / "backup.db")
    await store.write(lambda tx: add(tx, "web-3"))
    assert await count(tmp_path / "backup.db") == 2


async def test_a_backup_is_one_file_that_only_its_owner_reads(store: SqliteStore, tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    backups.mkdir()
    await store.backup(backups / "backup.db")
    assert [each.name for each in backups.iterdir()] == ["backup.db"]
    assert stat.S_IMODE((backups / "backup.db").stat().st_mode) == 0o600


async def test_a_backup_made_during_writes_is_consistent(store: SqliteStore, tmp_path: Path) -> None:
    async def write(number: int) -> None:
        # Two instances or none: a copy with one of them would be torn.
        await store.write(lambda tx: add(tx, f"left-{number}", f"right-{number}"))

    writing = [asyncio.create_task(write(number)) for number in range(100)]
    await store.backup(tmp_path / "backup.db")
    await asyncio.gather(*writing)
    check_database(tmp_path / "backup.db")
    assert await count(tmp_path / "backup.db") % 2 == 0


async def test_a_newer_backup_replaces_the_older(store: SqliteStore, tmp_path: Path) -> None:
    await store.backup(tmp_path / "backup.db")
    await store.write(lambda tx: add(tx, "web-1"))
    await store.backup(tmp_path / "backup.db")
    assert await count(tmp_path / "backup.db") == 1


async def test_a_restored_copy_takes_nothing_from_what_it_replaces(store: SqliteStore, tmp_path: Path) -> None:
    await store.backup(tmp_path / "backup.db")
    await store.write(lambda tx: add(tx, "web-1"))
    crashed = tmp_path / "crashed.db"
    for ending in ("", "-wal", "-shm"):
        # A database as a killed coordinator leaves it: the newest writes are in its log.
        left = tmp_path / f"dides.db{ending}"
        crashed.with_name(crashed.name + ending).write_bytes(left.read_bytes())
    copy_database(tmp_path / "backup.db", crashed)
    assert await count(crashed) == 0


async def test_a_database_is_not_copied_onto_itself(store: SqliteStore, file: Path) -> None:
    """It would take away the log of the database in use, and all that is only there."""
    await store.write(lambda tx: add(tx, "web-1"))
    link = file.with_name("link.db")
    link.hardlink_to(file)
    symlink = file.with_name("symlink.db")
    symlink.symlink_to(file)
    for destination in (file, link, symlink):
        with pytest.raises(CopyError, match="itself"):
            await store.backup(destination)
    await store.write(lambda tx: add(tx, "web-2"))
    assert await count(file) == 2


async def test_a_place_that_cannot_be_written_is_named(store: SqliteStore, tmp_path: Path) -> None:
    with pytest.raises(CopyError, match=r"gone/backup\.db"):
        await store.backup(tmp_path / "gone" / "backup.db")


async def test_the_files_that_a_coordinator_works_with_are_no_place_for_a_backup(
    store: SqliteStore, tmp_path: Path
) -> None:
    await store.write(lambda tx: add(tx, "web-1"))
    for name in ("dides.db-wal", "dides.db-shm", "dides.db-journal", "dides.db.lock"):
        with pytest.raises(CopyError, match="another directory"):
            await store.backup(tmp_path / name)
    (tmp_path / "lock").touch()
    with pytest.raises(CopyError, match="another directory"):
        await store.backup(tmp_path / "backup.db")
    await store.write(lambda tx: add(tx, "web-2"))
    assert await count(tmp_path / "dides.db") == 2


async def test_the_database_of_another_coordinator_is_no_place_for_a_backup(store: SqliteStore, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "other.db.lock").touch()
    await store.backup(other / "fine.db")
    with pytest.raises(CopyError, match="another directory"):
        await store.backup(other / "other.db")


@pytest.mark.parametrize("content", [b"somebody's letters\n", b"SQLite format 3\0" + bytes(4096)])
async def test_what_is_no_backup_is_not_replaced(store: SqliteStore, tmp_path: Path, content: bytes) -> None:
    place = tmp_path / "elsewhere" / "file"
    place.parent.mkdir()
    place.write_bytes(content)
    with pytest.raises(CopyError, match="no backup of dides"):
        await store.backup(place)
    assert [each.read_bytes() for each in place.parent.iterdir()] == [content]


async def test_an_empty_file_is_replaced(store: SqliteStore, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    await store.backup(tmp_path / "empty")
    assert await count(tmp_path / "empty") == 0


async def test_a_fifo_and_a_link_are_no_place_for_a_copy(store: SqliteStore, file: Path, tmp_path: Path) -> None:
    fifo, link = tmp_path / "fifo", tmp_path / "link"
    os.mkfifo(fifo)
    link.symlink_to(tmp_path / "free")
    for place in (fifo, link):
        for copy in (back_up, copy_database):
            with pytest.raises(CopyError, match="no regular file"):
                copy(file, place)
    assert fifo.is_fifo()
    assert link.is_symlink()


async def test_a_copy_that_fails_leaves_nothing(store: SqliteStore, file: Path, tmp_path: Path) -> None:
    place = tmp_path / "backups" / "backup.db"
    place.parent.mkdir()
    assert "could not be copied" in await copy_within(8192, file, place)
    assert list(place.parent.iterdir()) == []


async def copy_within(limit: int, *files: Path) -> str:
    """Return the last words of a process that backs up, and may write no file of more bytes than the limit."""
    script = (
        "import resource, sys; from pathlib import Path; from dides.store.sqlite.backup import *\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit})); back_up(*map(Path, sys.argv[1:]))"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, *files, stderr=PIPE)
    return (await process.communicate())[1].decode()


async def test_after_the_end_there_is_no_backup(store: SqliteStore, tmp_path: Path) -> None:
    await store.close()
    with pytest.raises(UnavailableError):
        await store.backup(tmp_path / "backup.db")


def test_a_missing_database_is_no_source(tmp_path: Path) -> None:
    with pytest.raises(CopyError, match="no database at"):
        copy_database(tmp_path / "gone.db", tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()


def test_somebody_else_s_database_is_refused(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE recipes (name TEXT)")
    other.close()
    with pytest.raises(CopyError, match="not a database of dides"):
        check_database(tmp_path / "other.db")


def test_a_file_that_is_no_database_leaves_the_destination_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_bytes(b"Dear reader, " * 1000)
    (tmp_path / "copy.db").write_bytes(b"what was there")
    with pytest.raises(CopyError, match="not a database of dides"):
        copy_database(tmp_path / "letter.txt", tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_bytes() == b"what was there"


def damage(file: Path) -> None:
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 8192] = b"\xff" * 8192
    file.write_bytes(bytes(content))


async def test_a_damaged_database_is_refused(store: SqliteStore, file: Path, tmp_path: Path) -> None:
    await store.write(lambda tx: add(tx, *(f"web-{number}" for number in range(500))))
    await store.close()
    damage(file)
    with pytest.raises(CopyError, match=r"damaged|not a database of dides"):
        copy_database(file, tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()
