"""What has become of a transaction whose connection broke while it was being committed."""

from collections.abc import Callable
from time import monotonic, sleep

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from dides.model.errors import OutcomeUnknownError, UnavailableError
from dides.store.postgres_connections import driver_of
from dides.store.writer import said

log = structlog.get_logger()
LONGEST = 30.0
PAUSE = 0.2
_IN_THE_FUTURE = "22023"
UNDONE = "the database was lost in the middle of a commit, which was undone"
UNKNOWN = (
    "The connection to the database broke in the middle of a commit, and nobody can say whether that was done. Look, "
    "or repeat it: with the same Idempotency-Key, or of a registration or a heartbeat, that does no harm."
)


class Outcomes:
    """Asks a server, over connections of its own, until it knows."""

    def __init__(self, engine: Engine, unsure: Callable[[str], None], *, longest: float = LONGEST) -> None:
        """`unsure` is told the number of one that may be committed later, unseen; `longest` is in seconds."""
        self._engine = engine
        self._unsure = unsure
        self._longest = longest

    def close(self) -> None:
        """Release the database."""
        self._engine.dispose()

    def settle(self, name: str) -> None:
        """Return when a transaction, named by its server's history and its number, was committed.

        Raises UnavailableError when it was not and never will be, OutcomeUnknownError when that cannot be found out.
        """
        history, _, number = name.rpartition(" ")
        until = monotonic() + self._longest
        while True:
            status = self._ask(history, number)
            if status == "committed":
                return
            if status == "aborted":
                raise UnavailableError(UNDONE)
            if status == "elsewhere" or monotonic() >= until:
                self._unsure(number)
                raise OutcomeUnknownError(UNKNOWN)
            sleep(PAUSE)

    def _ask(self, history: str, number: str) -> str | None:
        """Return what the server knows; None for nothing, "elsewhere" for another one, which cannot know."""
        try:
            with self._engine.connect() as connection:
                if driver_of(connection).history != history:
                    return "elsewhere"
                row = connection.exec_driver_sql("SELECT pg_xact_status(%s::xid8)", (number,)).one()
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) == _IN_THE_FUTURE:
                return "aborted"  # It was lost before the server wrote it down, in a crash.
            log.warning("the outcome of a commit cannot be found out yet", reason=said(error))
            return None
        status: str | None = row[0]
        return status
