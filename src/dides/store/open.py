"""Which store a database URL means."""

from dides.runtime.clock import Clock
from dides.store.interface import Store
from dides.store.sqlite.store import SqliteStore
from dides.store.urls import UnknownDatabaseError, is_postgresql, sqlite_file


def open_store(url: str, clock: Clock) -> Store:
    """Open, and migrate, the database that a URL names. UnknownDatabaseError, TooNewError, UnavailableError.

    `clock` is for databases that have none of their own.
    """
    return _open_postgresql(url) if is_postgresql(url) else SqliteStore(sqlite_file(url), clock)


def _open_postgresql(url: str) -> Store:
    try:
        from dides.store.postgres.store import PostgresStore  # noqa: PLC0415 - an optional driver
    except ImportError as error:
        raise UnknownDatabaseError(
            f"The driver for PostgreSQL cannot be loaded ({error}): pip install 'dides[server,postgresql]'."
        ) from error
    return PostgresStore(url)
