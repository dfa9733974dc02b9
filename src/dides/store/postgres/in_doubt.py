"""What has become of a transaction whose connection broke while it was being committed."""

from collections.abc import Callable
from time import monotonic, sleep

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from dides.model.errors import OutcomeUnknownError, UnavailableError
from dides.store.postgres.connections import driver_of
from dides.store.writer import said

log = structlog.get_logger()
LONGEST = 30.0
PAUSE = 0.2
_IN_THE_FUTURE = "22023"
_ONE_MORE = "INSERT INTO commits SELECT gen_random_uuid(), at FROM commits WHERE token = %s::uuid"
UNDONE = "the database was lost in the middle of a commit, which was undone"
UNKNOWN = (
    "The connection to the database broke in the middle of a commit, and nobody can say whether that was done. Look, "
    "or repeat it: with the same Idempotency-Key, or of a registration or a heartbeat, that does no harm."
)


class InDoubtTransactions:
    """Asks a server, over connections of its own, until it knows."""

    def __init__(self, engine: Engine, unsure: Callable[[str], None], *, longest: float = LONGEST) -> None:
        """`unsure` is told the number of one that may be committed later, unseen; `longest` is in seconds.

        The engine needs a connection for each thread that may ask at the same time.
        """
        self._engine = engine
        self._unsure = unsure
        self._longest = longest

    def close(self) -> None:
        """Release the database."""
        self._engine.dispose()

    def settle(self, name: str) -> None:
        """Return when a transaction was committed; it is named by its server's history, its number, and its token.

        Raises UnavailableError when it was not and never will be, OutcomeUnknownError when that cannot be found out.
        """
        history, number, token = name.split(" ")
        try:
            committed = self._find_out(history, number, token)
        except Exception:
            # A mistake of ours; it must not be taken for an answer.
            log.exception("the outcome of a commit could not be asked for")
            committed = None
        if committed is None:
            self._unsure(number)
            raise OutcomeUnknownError(UNKNOWN)
        if not committed:
            raise UnavailableError(UNDONE)

    def _find_out(self, history: str, number: str, token: str) -> bool | None:
        """Return whether a transaction was committed, None when that is still not known after the longest time."""
        until = monotonic() + self._longest
        while True:
            try:
                with self._engine.connect() as connection:
                    if driver_of(connection).history != history:
                        # Another server, that may have got it before it took over, or not, or not yet.
                        return _is_kept(connection, token) or None
                    if not _is_under_way(connection, number):
                        return _is_kept(connection, token)
            except SQLAlchemyError as error:
                log.warning("the outcome of a commit cannot be found out yet", reason=said(error))
            if monotonic() >= until:
                return None
            sleep(PAUSE)


def _is_under_way(connection: Connection, number: str) -> bool:
    """Tell whether a transaction may still be committed; ask before looking for what it leaves."""
    try:
        status: str | None = connection.exec_driver_sql("SELECT pg_xact_status(%s::xid8)", (number,)).scalar_one()
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == _IN_THE_FUTURE:
            return False  # It was lost before the server wrote it down, in a crash.
        raise
    # Anything else it says may be of a later one: after a crash numbers are given out again.
    return status == "in progress"


def _is_kept(connection: Connection, token: str) -> bool:
    """Tell whether what a transaction leaves behind is there, and with it where commits are waited for.

    After a crash a server shows what no standby has got yet. Another commit, which is waited for as that one should
    have been, is not over before they have all that came before it.
    """
    return connection.exec_driver_sql(_ONE_MORE, (token,)).rowcount > 0
