"""Group commit: one thread runs the units of work that wait, each in a savepoint, and commits them together.

A commit that is durable costs a flush of the disk, whatever is in it; so while one is being flushed the next units of
work gather, and the more there are the cheaper each becomes. Nobody is told of success before the commit is durable.
"""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from time import perf_counter
from typing import Any, Protocol, TypeVar

import msgspec
import structlog
from sqlalchemy import Connection, Engine, RootTransaction
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from dides.model.errors import OutcomeUnknownError, UnavailableError
from dides.store.broadcaster import Broadcaster
from dides.store.interface import Transaction
from dides.store.records import Changes
from dides.store.sql.transaction import SqlTransaction, changes_of
from dides.store.writer_metrics import WriterStatistics

log = structlog.get_logger()
T = TypeVar("T")
LARGEST_GROUP = 256


class Begun(msgspec.Struct, frozen=True):
    """A transaction that has begun."""

    now: int
    """Its time (ms)."""
    name: str = ""
    """What the database calls it, where that helps."""


class Transactions(Protocol):
    """How transactions begin and end on one kind of database."""

    def begin(self, connection: Connection) -> Begun:
        """Do what a transaction begins with. SQLAlchemyError."""
        ...

    def commit(self, transaction: RootTransaction, begun: Begun) -> None:
        """Make a transaction durable; SQLAlchemyError or UnavailableError when it is not, or may not be."""
        ...

    def may_run_again(self, error: SQLAlchemyError) -> bool:
        """Tell whether a transaction that has failed with this error may succeed at once, and is known to be undone."""
        ...


class LocalTransactions:
    """How transactions begin and end on a database in this process; `opening` gives the time (ms)."""

    def __init__(self, opening: Callable[[], int]) -> None:
        self._opening = opening

    def begin(self, connection: Connection) -> Begun:
        """Give the transaction its time."""
        return Begun(self._opening())

    def commit(self, transaction: RootTransaction, begun: Begun) -> None:
        """Commit; SQLAlchemyError means that nothing was written."""
        transaction.commit()

    def may_run_again(self, error: SQLAlchemyError) -> bool:
        """Never: a full disk is still full."""
        return False


class _Job(msgspec.Struct):
    """A unit of work, where its result goes, and how it went until the commit."""

    work: Callable[[Transaction], Any]
    future: "Future[Any]"
    done: SqlTransaction | None = None
    """What it ran in, once it has succeeded."""
    result: Any = None
    error: BaseException | None = None

    def settle(self, failure: BaseException | None) -> None:
        """Tell the one who waits; a failure first, because a refusal may rest on what was not kept."""
        if error := failure or self.error:
            self.future.set_exception(error)
        else:
            self.future.set_result(self.result)


class Writer:
    """A thread that writes to a database. `broadcaster` gets the changes of a commit before its callers get answers."""

    def __init__(
        self,
        engine: Engine,
        transactions: Transactions,
        broadcaster: Broadcaster,
        *,
        name: str = "sqlite-writer",
        alone: bool = True,
        largest: int = LARGEST_GROUP,
    ) -> None:
        """With `alone`, `transactions` see to it that no other transaction writes at the same time."""
        self._engine = engine
        self._transactions = transactions
        self._broadcaster = broadcaster
        self._alone = alone
        self._largest = largest
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closed = False
        self._closing = threading.Lock()
        self.statistics = WriterStatistics(name, self._jobs.qsize)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Transaction], T]) -> "Future[T]":
        """Queue a unit of work; the future is done once its transaction is durable. UnavailableError when closed."""
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()
        with self._closing:
            # Together, lest a job comes after the end of the queue, where nobody would ever run it.
            if self._closed:
                raise UnavailableError("the coordinator is shutting down")
            self._jobs.put(_Job(work, future))
        return future

    def close(self) -> None:
        """Finish what is queued and release the database."""
        with self._closing:
            self._closed = True
            self._jobs.put(None)
        self._thread.join()
        self._engine.dispose()

    def _run(self) -> None:
        while (first := self._jobs.get()) is not None:
            group, closing = self._gather(first)
            begun = perf_counter()
            failure = self._commit(group)
            self._note(group, perf_counter() - begun, failure)
            for job in group:
                job.settle(failure)
            if closing:
                return

    def _note(self, group: list[_Job], seconds: float, failure: UnavailableError | None) -> None:
        """Count a group before anybody is told of it, so that whoever waited for it finds it counted."""
        errors = sum(job.error is not None for job in group)
        self.statistics.note(seconds, errors, len(group), durable=failure is None)

    def _gather(self, first: _Job) -> tuple[list[_Job], bool]:
        """Return what waits now, up to the largest group, and whether the end has come."""
        group = [first]
        while len(group) < self._largest:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                return group, True
            group.append(job)
        return group, False

    def _commit(self, group: list[_Job]) -> UnavailableError | None:
        """Run a group in one transaction; return what kept it from becoming durable, or from being told."""
        try:
            changes = self._persist(group)
        except UnavailableError as error:
            return error
        except SQLAlchemyError as error:
            return UnavailableError(f"the database cannot be written: {said(error)}")
        except Exception:
            # A mistake of ours; without this thread everyone who writes later would wait for ever.
            log.exception("a transaction has failed")
            return UnavailableError("the database cannot be written: internal error")
        return self._broadcast(changes)

    def _broadcast(self, changes: list[Changes]) -> UnavailableError | None:
        """Tell of what is durable, before the group is told: no follower is behind an answer."""
        try:
            for chunk in changes:
                self._broadcaster.broadcast(chunk)
        except Exception:
            log.exception("what was written could not be told")
            return OutcomeUnknownError("What was written is stored, but could not be told within the coordinator.")
        return None

    def _persist(self, group: list[_Job]) -> list[Changes]:
        """Run a group in one transaction, or in a second one where the first could not know better."""
        try:
            return self._transact(group)
        except SQLAlchemyError as error:
            if not self._transactions.may_run_again(error):
                raise
        for job in group:
            job.done = job.result = job.error = None
        return self._transact(group)

    def _transact(self, group: list[_Job]) -> list[Changes]:
        """Run a group in one transaction; return what it has changed, if anybody wants to know."""
        with self._engine.connect() as connection, connection.begin() as transaction:
            begun = self._transactions.begin(connection)
            for job in group:
                self._attempt(job, connection, begun.now, lone=len(group) == 1)
            done = [job.done for job in group if job.done]
            if not done:
                transaction.rollback()
                return []
            changes = changes_of(connection, done) if self._broadcaster else []
            with self.statistics.commits.timing():
                self._transactions.commit(transaction, begun)
            return changes

    def _attempt(self, job: _Job, connection: Connection, now: int, *, lone: bool) -> None:
        """Run one unit of work, in a savepoint unless it is the only one: its error undoes its own writes only."""
        savepoint = None if lone else connection.begin_nested()
        try:
            unit = SqlTransaction(connection, now, alone=self._alone)
            job.result = job.work(unit)
            if savepoint:
                savepoint.commit()
            job.done = unit
        except BaseException as error:
            if _is_fatal(error):
                raise
            job.error = error
            if savepoint and savepoint.is_active:
                savepoint.rollback()


def said(error: Exception) -> str:
    """Return the first line of what the database has said."""
    return str(getattr(error, "orig", error)).partition("\n")[0]


def _is_fatal(error: BaseException) -> bool:
    """Tell whether nothing in a group can be kept: the disk is full, the server gone, the savepoint perhaps lost."""
    return isinstance(error, OperationalError) or (isinstance(error, DBAPIError) and error.connection_invalidated)
