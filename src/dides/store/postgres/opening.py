"""What is looked at, and made, before a PostgreSQL database is used."""

import secrets

import structlog
from sqlalchemy import Connection, Engine

from dides.store.migrate import migrate
from dides.store.postgres.connections import begin, driver_of, open_engine
from dides.store.postgres.database_clock import DatabaseClock
from dides.store.postgres.transactions import begin_reading
from dides.store.sql.advisory_locks import MIGRATING
from dides.store.urls import UnknownDatabaseError

log = structlog.get_logger()
OLDEST = 15
LONGEST_MIGRATION = 3600.0
_ASK = "SELECT pg_try_advisory_xact_lock({key})"
_HOLD = "SELECT pg_advisory_xact_lock({key})"
_MIGRATE = f"SELECT set_config('lock_timeout', '0', true), pg_advisory_xact_lock({MIGRATING})::text"


def prepare(conninfo: str, clock: DatabaseClock) -> None:
    """Check a database, migrate it, however many coordinators do so at once, and set a clock by it.

    Raises UnknownDatabaseError when it cannot be used, TooNewError, SQLAlchemyError when it cannot be reached.
    """
    engine = open_engine(conninfo, size=2, patience=LONGEST_MIGRATION)
    try:
        with engine.connect() as connection:
            _check_server(connection)
            _check_locks(engine, connection)
        migrate(engine, _wait_for_others)
        with engine.connect() as connection:
            begin_reading(connection, clock)
            driver_of(connection).rollback()
    finally:
        engine.dispose()


def _check_server(connection: Connection) -> None:
    info = driver_of(connection).info
    if info.server_version < OLDEST * 10_000:
        raise UnknownDatabaseError(
            f"The server is PostgreSQL {info.server_version // 10_000}; dides needs {OLDEST} or newer."
        )
    if info.parameter_status("server_encoding") != "UTF8":
        raise UnknownDatabaseError("The database is not in UTF8. Create one with ENCODING 'UTF8' TEMPLATE template0.")
    if connection.exec_driver_sql("SHOW fsync").scalar_one() != "on":
        log.warning("the server runs with fsync = off: what it acknowledges may be lost")


def _check_locks(engine: Engine, connection: Connection) -> None:
    """Raise UnknownDatabaseError where a lock excludes nobody: some servers that speak this protocol have none."""
    key = secrets.randbits(62)
    begin(connection, "READ COMMITTED", _HOLD.format(key=key))
    with engine.connect() as other:
        (granted,) = begin(other, "READ COMMITTED", _ASK.format(key=key))
        driver_of(other).rollback()
    driver_of(connection).rollback()
    if granted:
        raise UnknownDatabaseError(
            "The server does not keep advisory locks, on which several coordinators depend. Connect to PostgreSQL "
            "itself, not through a pooler that shares connections."
        )


def _wait_for_others(connection: Connection) -> None:
    """Begin the transaction in which migrations run, once nobody else migrates."""
    begin(connection, "READ COMMITTED READ WRITE", _MIGRATE)
