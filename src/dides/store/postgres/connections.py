"""Connections to PostgreSQL: what each of them is set to, and for how long it waits for a server that says nothing.

What is set here can be set otherwise in the URL, but for what durability depends on.
"""

import shlex
from contextlib import suppress
from typing import Any

import msgspec
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow
from sqlalchemy import Connection, Dialect, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from dides.store.urls import UnknownDatabaseError, check_postgresql

PATIENCE = 20.0
"""Seconds that one statement may take. More than a lock is waited for: else that would be taken for a dead server."""
POOL_SECONDS = 10.0
_CLIENT = {
    "application_name": "dides",
    "client_encoding": "UTF8",
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    # With several hosts, and after a failover: the one that can be written to.
    "target_session_attrs": "read-write",
}
_SERVER = {
    # A coordinator that stands still in mid-transaction keeps others waiting for so long, and no longer.
    "idle_in_transaction_session_timeout": 5_000,
    "lock_timeout": 10_000,
    "tcp_keepalives_idle": 10,
    "tcp_keepalives_interval": 5,
    "tcp_keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "jit": "off",
}
_IS_SET = "SELECT current_setting('dides.origin', true) = %s"
_ARRIVE = (
    "SELECT set_config('synchronous_commit', CASE WHEN now = 'off' THEN 'on' ELSE now END, false), "
    "(SELECT system_identifier FROM pg_control_system()) || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8) "
    "FROM current_setting('synchronous_commit') AS now"
)


class PatientConnection(psycopg.Connection[TupleRow]):
    """Waits for an answer for a while, not for ever: a server that was cut off does not say so."""

    patience = PATIENCE
    history = ""
    """Names the server's history: numbers of transactions mean the same as long as it is the same."""
    warned = False
    """The server has warned of something; whoever wants to know sets it to False before."""

    def heed(self, notice: psycopg.errors.Diagnostic) -> None:
        """Note that the server warns of something."""
        self.warned = self.warned or notice.severity_nonlocalized == "WARNING"

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for an answer; without one in time the connection is closed, and OperationalError raised."""
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.errors._WaitTimeout:  # noqa: SLF001 - it has no other name
            if timeout is not None:
                raise
            self.close()
            raise psycopg.OperationalError(f"the server has not answered for {self.patience:g} s") from None


def conninfo_of(url: str, origin: str = "") -> str:
    """Return what libpq is to connect with; `origin` is noted with what is changed. UnknownDatabaseError."""
    check_postgresql(url)
    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        # What it says may quote a password that was taken for something else.
        raise UnknownDatabaseError("The database URL cannot be read: postgresql://USER:PASSWORD@HOST/NAME.") from None
    options = [f"-c {name}={value}" for name, value in {**_SERVER, "dides.origin": origin}.items()]
    merged: dict[str, Any] = {**_CLIENT, **given, "options": " ".join([*options, str(given.get("options") or "")])}
    return make_conninfo("", **merged)


def settings_of(conninfo: str) -> dict[str, str]:
    """Return what libpq's `options` set."""
    words = iter(shlex.split(str(conninfo_to_dict(conninfo).get("options") or "")))
    assignments = [next(words, "") if word == "-c" else word[2:] for word in words]
    return {name: value for name, _, value in (assignment.partition("=") for assignment in assignments) if name}


def open_engine(conninfo: str, *, size: int = 1, patience: float = PATIENCE) -> Engine:
    """Return an engine with a pool of so many connections, all of which commit by themselves unless told to BEGIN."""
    settings = settings_of(conninfo)
    engine = create_engine(
        "postgresql+psycopg://",
        pool_size=size,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        use_native_hstore=False,
        json_serializer=lambda value: msgspec.json.encode(value).decode(),
        json_deserializer=msgspec.json.decode,
    )

    @event.listens_for(engine, "do_connect")
    def _connect(_: Dialect, __: ConnectionPoolEntry, ___: Any, given: dict[str, Any]) -> PatientConnection:
        connection = PatientConnection.connect(conninfo, autocommit=True, context=given.get("context"))
        connection.patience = patience
        connection.add_notice_handler(connection.heed)
        if connection.execute(_IS_SET, (settings["dides.origin"],)).fetchone() != (True,):
            # A pooler between drops `options`, and may have left what another one was set to.
            for setting in settings.items():
                connection.execute("SELECT set_config(%s, %s, false)", setting)
        (_, connection.history) = connection.execute(_ARRIVE).fetchone() or ("", "")
        return connection

    return engine


def driver_of(connection: Connection) -> PatientConnection:
    """Return the driver's own connection."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, PatientConnection)
    return driver


def begin(connection: Connection, how: str, query: str) -> TupleRow:
    """Begin a transaction and return the one row of its first query, in one round trip. SQLAlchemyError.

    `how` may go on with statements that come before the query, and have no rows.
    """
    driver = driver_of(connection)
    statements = f"BEGIN ISOLATION LEVEL {how}; {query}"
    try:
        cursor = driver.execute(statements)
        while cursor.nextset():
            pass
        row = cursor.fetchone()
    except psycopg.Error as error:
        if driver.closed:
            # So that SQLAlchemy notices, and lets go of all connections of that age.
            with suppress(DBAPIError):
                connection.exec_driver_sql("SELECT 1")
        raise OperationalError(statements, None, error, connection_invalidated=driver.closed) from error
    assert row is not None
    return row
