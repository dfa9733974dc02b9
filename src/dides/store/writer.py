"""Group commit: one thread runs the units of work that wait, each in a savepoint, and commits them together.

A commit that is durable costs a flush of the disk, whatever is in it; so while one is being flushed the next units of
work gather, and the more there are the cheaper each becomes. Nobody is told of success before the commit is durable.
"""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from dides.clock import Clock
from dides.model.errors import UnavailableError
from dides.store.base import Transaction
from dides.store.sql import SqlTransaction

T = TypeVar("T")
LARGEST_GROUP = 256


class _Job(msgspec.Struct):
    """A unit of work, where its result goes, and how it went until the commit."""

    work: Callable[[Transaction], Any]
    future: "Future[Any]"
    result: Any = None
    error: BaseException | None = None

    def settle(self, failure: BaseException | None) -> None:
        """Tell the one who waits."""
        if error := self.error or failure:
            self.future.set_exception(error)
        else:
            self.future.set_result(self.result)


class Writer:
    """The only writer of a database."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closed = False
        self._closing = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
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
            failure = self._commit(group)
            for job in group:
                job.settle(failure)
            if closing:
                return

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
                for job in group:
                    self._attempt(job, connection)
                transaction.commit()
        except SQLAlchemyError as error:
            return UnavailableError(f"the database cannot be written: {getattr(error, 'orig', error)}")
        return None

    def _attempt(self, job: _Job, connection: Connection) -> None:
        """Run one unit of work in a savepoint, so that its error undoes its own writes only."""
        savepoint = connection.begin_nested()
        try:
            job.result = job.work(SqlTransaction(connection, self._clock.now()))
            savepoint.commit()
        except OperationalError:
            raise  # The disk is full, or worse: nothing in this group can be kept, and the savepoint may be gone.
        except BaseException as error:  # noqa: BLE001 - whatever it is belongs to the one who waits for the result
            job.error = error
            if savepoint.is_active:
                savepoint.rollback()
