"""SQLite databases for tests: migrated once in each process, then copied. Migrating is most of what opening costs."""

from pathlib import Path

from sqlalchemy import Engine

from dides.runtime.clock import Clock
from dides.store.sqlite.store import SqliteStore, open_engine
from simulator.base.database import copy_template


def sqlite_store(file: Path, clock: Clock, *, synchronous: str = "OFF") -> SqliteStore:
    """Open the store on a file, which is made first if there is none."""
    if not file.exists():
        copy_template(file)
    return SqliteStore(file, clock, synchronous=synchronous)


def sqlite_engine(file: Path, *, synchronous: str = "OFF") -> Engine:
    """Open an engine on a new database; whoever asks for it disposes of it."""
    copy_template(file)
    return open_engine(file, synchronous, "BEGIN IMMEDIATE")
