"""How units of work begin and end on PostgreSQL: one lock for all coordinators, held alone or shared.

Whoever decides holds it alone, in all the system; batches of heartbeats, which decide nothing, share it. PostgreSQL
keeps one queue for both, so that a stream of those that share cannot keep out one that waits to be alone.
"""

from collections.abc import Callable
from time import monotonic

import structlog
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, RootTransaction
from sqlalchemy.exc import DBAPIError, InvalidRequestError, SQLAlchemyError

from dides.store.postgres.connections import begin, driver_of
from dides.store.postgres.database_clock import DatabaseClock
from dides.store.postgres.in_doubt import InDoubtTransactions
from dides.store.sql.advisory_locks import DECIDING
from dides.store.writer import Begun, said

log = structlog.get_logger()
NOW = "floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
_WRITE = "READ COMMITTED READ WRITE"
# Within, so that the time and the number of the transaction are those of a moment at which the lock is held. The row
# says later whether the transaction was committed.
_HELD = (
    "INSERT INTO commits (token, at) SELECT gen_random_uuid(), {now} FROM (SELECT {take}({lock}) OFFSET 0) AS held "
    "RETURNING at, pg_current_xact_id()::text, token::text"
)
_READ = "REPEATABLE READ READ ONLY"
_AGAIN = {"40001", "40P01"}
"""Serialization failure, deadlock: only what others do to our tables by hand can bring these about."""


class SharedTransactions:
    """See dides.store.writer.Transactions; `alone` or beside others."""

    def __init__(
        self, clock: DatabaseClock, in_doubt: InDoubtTransactions, committed: Callable[[str], None], *, alone: bool
    ) -> None:
        """Tell `committed` the token of every transaction that is."""
        take = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
        self._query = _HELD.format(now=NOW, take=take, lock=DECIDING)
        self._clock = clock
        self._in_doubt = in_doubt
        self._committed = committed

    def begin(self, connection: Connection) -> Begun:
        """Take the lock; the transaction's time is the server's, once it is held."""
        asked_at = monotonic()
        now, number, token = begin(connection, _WRITE, self._query)
        self._clock.sample(asked_at, now)
        return Begun(now, f"{driver_of(connection).history} {number} {token}")

    def commit(self, transaction: RootTransaction, begun: Begun) -> None:
        """Commit; whatever comes instead of the server's answer, find out what has become of it."""
        driver = driver_of(transaction.connection)
        if driver.info.transaction_status == TransactionStatus.INERROR:
            # The server would answer a COMMIT as if nothing were wrong, and undo it all.
            raise InvalidRequestError("an error in it was passed over")
        driver.warned = False
        try:
            transaction.commit()
        except Exception as error:
            if _is_refused(error):
                raise  # The server says itself that it is undone.
            log.warning("the connection broke in a commit; finding out what became of it", reason=said(error))
            self._in_doubt.settle(begun.name)
        else:
            if driver.warned:
                # Somebody has told it not to wait for its standbys any more: only this server may have it.
                log.warning("the server warned of something in a commit; finding out what became of it")
                self._in_doubt.settle(begun.name)
        self._committed(begun.name.rpartition(" ")[2])

    def may_run_again(self, error: SQLAlchemyError) -> bool:
        """Once more where the connection broke before the commit: that has undone it."""
        if not isinstance(error, DBAPIError):
            return False
        return error.connection_invalidated or getattr(error.orig, "sqlstate", None) in _AGAIN


def _is_refused(error: Exception) -> bool:
    """Tell whether an error is the server's answer, on a connection that has not broken."""
    if not isinstance(error, DBAPIError) or error.connection_invalidated:
        return False
    return getattr(error.orig, "sqlstate", None) is not None


def begin_reading(connection: Connection, clock: DatabaseClock) -> int:
    """Begin a transaction on one snapshot; return its time (ms). SQLAlchemyError."""
    asked_at = monotonic()
    (now,) = begin(connection, _READ, f"SELECT {NOW}")
    clock.sample(asked_at, now)
    assert isinstance(now, int)
    return now
