"""Which store a database URL means."""

from pathlib import Path

from dides.clock import Clock
from dides.store.base import Store
from dides.store.sqlite import SqliteStore

SQLITE = "sqlite:///"


class UnknownDatabaseError(Exception):
    """A database URL that this version cannot open; the text says which it can."""


def open_store(url: str, clock: Clock) -> Store:
    """Open, and migrate, the database that a URL names. UnknownDatabaseError, TooNewError, UnavailableError."""
    return SqliteStore(sqlite_file(url), clock)


def sqlite_file(url: str) -> Path:
    """Return the file that an SQLite URL names (`sqlite:////var/lib/dides/dides.db`); UnknownDatabaseError."""
    if not url.startswith(SQLITE) or url == SQLITE:
        raise UnknownDatabaseError(f"{url.partition(':')[0]!r} databases are not supported yet; use {SQLITE}FILE")
    return Path(url.removeprefix(SQLITE))
