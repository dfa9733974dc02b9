"""Group commit: one thread runs the units of work that wait, each in a savepoint, and commits them together.

A commit that is durable costs a flush of the disk, whatever is in it; so while one is being flushed the next units of
work gather, and the more there are the cheaper each becomes. Nobody is told of success before the commit is durable.
"""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from time import perf_counter
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from dides.model.errors import UnavailableError
from dides.store.audience import Audience
from dides.store.base import Transaction
from dides.store.briefs import changes_of
from dides.store.records import Changes
from dides.store.sql import SqlTransaction
from dides.store.statistics import WriterStatistics

T = TypeVar("T")
Opening = Callable[[Connection], int]
"""What a transaction begins with: it returns the transaction's time (ms)."""
LARGEST_GROUP = 256


class _Job(msgspec.Struct):
    """A unit of work, where its result goes, and how it went until the commit."""

    work: Callable[[Transaction], Any]
    future: "Future[Any]"
    done: SqlTransaction | None = None
    """What it ran in, once it has succeeded."""
    result: Any = None
    error: BaseException | None = None

    def settle(self, failure: BaseException | None) -> None:
        """Tell the one who waits."""
        if error := self.error or failure:
            self.future.set_exception(error)
        else:
            self.future.set_result(self.result)


class Writer:
    """A thread that writes to a database; `audience` is told of what it has committed before anybody else."""

    def __init__(
        self, engine: Engine, opening: Opening, audience: Audience, *, name: str = "sqlite-writer", alone: bool = True
    ) -> None:
        """With `alone`, `opening` sees to it that no other transaction writes at the same time."""
        self._engine = engine
        self._opening = opening
        self._audience = audience
        self._alone = alone
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
        while len(group) < LARGEST_GROUP:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                return group, True
            group.append(job)
        return group, False

    def _commit(self, group: list[_Job]) -> UnavailableError | None:
        """Run a group in one transaction; return what kept it from becoming durable."""
        try:
            with self._engine.connect() as connection:
                transaction = connection.begin()
                now = self._opening(connection)
                for job in group:
                    self._attempt(job, connection, now)
                changes = self._changes(connection, group)
                with self.statistics.commits.timing():
                    transaction.commit()
        except SQLAlchemyError as error:
            return UnavailableError(f"the database cannot be written: {getattr(error, 'orig', error)}")
        if changes:
            # Before the group is told, so that no follower is behind an answer.
            self._audience.tell(changes)
        return None

    def _changes(self, connection: Connection, group: list[_Job]) -> Changes | None:
        """Return what the group has changed, if anybody wants to know."""
        return changes_of(connection, [job.done for job in group if job.done]) if self._audience else None

    def _attempt(self, job: _Job, connection: Connection, now: int) -> None:
        """Run one unit of work in a savepoint, so that its error undoes its own writes only."""
        savepoint = connection.begin_nested()
        try:
            unit = SqlTransaction(connection, now, alone=self._alone)
            job.result = job.work(unit)
            savepoint.commit()
            job.done = unit
        except OperationalError:
            raise  # The disk is full, or worse: nothing in this group can be kept, and the savepoint may be gone.
        except BaseException as error:  # noqa: BLE001 - whatever it is belongs to the one who waits for the result
            job.error = error
            if savepoint.is_active:
                savepoint.rollback()
