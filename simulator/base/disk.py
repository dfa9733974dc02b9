"""The disk that coordinators share: a real SQLite database, which can lose power between any two writes.

A unit of work runs whole, in the one thread of the simulation. A power cut copies the files as they are at that moment
and goes on with the copy, so that SQLite's own recovery is what brings the database back.
"""

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection

from dides.model.errors import RefusedError
from dides.model.instance import InstanceSummary
from dides.store.interface import Transaction
from dides.store.records import Changes, MustBeAloneError
from dides.store.sql.instance_reads import all_summaries
from dides.store.sql.tables import metadata
from dides.store.sql.transaction import SqlTransaction, changes_of
from simulator.base.clock import VirtualClock
from simulator.base.database import Engine, copy_template, engine
from simulator.base.guarantees import CRASHES_LOSE_NOTHING, LOOPS_REST, NOTHING_BREAKS, READS_WRITE_NOTHING, Problem
from simulator.base.scenario import Moment
from simulator.base.step_rate import Pace

T = TypeVar("T")
Hearing = Callable[[str, Changes], None]
"""Is called with the process that has changed something, and with what."""
Dump = dict[str, list[tuple[Any, ...]]]
TABLES = sorted(metadata.tables)
FEW_PAGES = 4


class Fuse(msgspec.Struct):
    """A kill to come: `statements` counts down over as many units of work of one process as it takes."""

    coordinator: str
    statements: int
    moment: Moment
    part: float = 0.5
    """How much of a torn commit is on the disk."""


class Commit(msgspec.Struct, frozen=True):
    """A transaction that is durable now."""

    number: int
    asked: int
    """When it was asked for, as a number that counts what happens."""
    by: str
    unit: str
    tables: frozenset[str]
    """The tables that it wrote to."""


class PowerCutError(BaseException):
    """The process is gone. No code that runs in it may stop this."""


class Disk:
    """Runs units of work one after the other. `observe` is called after every commit that wrote something."""

    def __init__(self, directory: Path, clock: VirtualClock) -> None:
        self.observe: Callable[[Commit], None] = lambda _: None
        self.killed: Callable[[str], None] = lambda _: None
        self.refused: Callable[[str, RefusedError], None] = lambda _unit, _error: None
        self.problem: Problem = lambda _guarantee, _detail: None
        self.hearings: dict[str, Hearing] = {}
        """By process: those who follow the instances."""
        self.fuse: Fuse | None = None
        self._directory = directory
        self._clock = clock
        self._number = 0
        self._commits = 0
        self._burning = False
        self._copied = directory
        """What the last power cut in the middle of a unit of work has left."""
        self._written: set[str] = set()
        self._moments = 0
        self._pace = Pace(clock.monotonic)
        copy_template(self._file)
        self._engine: Engine = engine()
        self._engine.on_statement = self._on_statement
        self._connection: Connection = self._engine.connect(self._file)

    @property
    def raw(self) -> sqlite3.Connection:
        """The driver's connection, to look at the tables with."""
        raw = self._connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        return raw

    def next_moment(self) -> int:
        """Return a number that is higher every time: what comes before what, also within a millisecond."""
        self._moments += 1
        return self._moments

    def read(self, unit: str, work: Callable[[Transaction], T]) -> T:
        """Run a unit of work that only reads."""
        self._written.clear()
        with self._connection.begin() as transaction:
            try:
                return self._attempt(unit, work, SqlTransaction(self._connection, self._clock.now()))
            finally:
                transaction.rollback()
                if self._written:
                    self.problem(
                        READS_WRITE_NOTHING, f"{unit} only reads, but wrote to {', '.join(sorted(self._written))}"
                    )

    def summaries(self) -> list[InstanceSummary]:
        """Return the summaries of all instances."""
        with self._connection.begin() as transaction:
            found = [summary for piece in all_summaries(self._connection) for summary in piece]
            transaction.rollback()
        return found

    def write(self, by: str, unit: str, work: Callable[[Transaction], T], asked: int = 0, *, alone: bool = True) -> T:
        """Run a unit of work in a transaction; PowerCutError when its process is killed meanwhile."""
        if problem := self._pace.note(by, unit):
            self.problem(LOOPS_REST, problem)
        fuse = self.fuse if self.fuse and by.startswith(f"{self.fuse.coordinator}.") else None
        before = self._light(fuse) if fuse else {}
        self._written.clear()
        self._burning = fuse is not None
        transaction = self._connection.begin()
        try:
            result, changes = self._change(unit, work, alone=alone)
        except PowerCutError:
            self._cut(by, self._copied, before)
            raise
        except BaseException:
            transaction.rollback()
            raise
        finally:
            self._burning = False
        if fuse and fuse.statements <= 0 and fuse.moment is Moment.COMMIT:
            self._tear(by, fuse, before)
        transaction.commit()
        if self._written:
            self._commits += 1
            self.observe(Commit(self._commits, asked, by, unit, frozenset(self._written)))
        self._announce(by, changes)
        if fuse and fuse.statements <= 0:
            self._cut(by, self._copy(), self.dump())
            raise PowerCutError
        return result

    def dump(self) -> Dump:
        """Return everything in the database."""
        return {name: self.raw.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall() for name in TABLES}  # noqa: S608

    def close(self) -> None:
        """Let go of the files."""
        self._engine.on_statement = lambda _: None
        self._connection.invalidate()
        self._connection.close()

    @property
    def _file(self) -> Path:
        return self._directory / f"{self._number}.db"

    def _change(self, unit: str, work: Callable[[Transaction], T], *, alone: bool) -> tuple[T, list[Changes]]:
        """Run a unit of work; return also which instances it changed, if anybody wants to know."""
        transaction = SqlTransaction(self._connection, self._clock.now(), alone=alone)
        result = self._attempt(unit, work, transaction)
        return result, changes_of(self._connection, [transaction]) if self.hearings else []

    def _announce(self, by: str, changes: list[Changes]) -> None:
        for piece in changes:
            for hear in self.hearings.values():
                hear(by, piece)

    def _attempt(self, unit: str, work: Callable[[Transaction], T], transaction: Transaction) -> T:
        try:
            return work(transaction)
        except RefusedError as error:
            self.refused(unit, error)
            raise
        except MustBeAloneError:
            raise
        except Exception as error:
            # Units run one after the other here, so not even a StaleError has an excuse.
            self.problem(NOTHING_BREAKS, f"{unit} raised {type(error).__name__}: {error}")
            raise

    def _light(self, fuse: Fuse) -> Dump:
        """Get ready for a power cut; return what is in the database before it."""
        if fuse.moment is Moment.STATEMENT:
            # With so few pages in memory, uncommitted ones get into the log, which recovery has to leave out.
            self.raw.execute(f"PRAGMA cache_size = {FEW_PAGES}")
        return self.dump()

    def _on_statement(self, statement: str) -> None:
        """Note which table a statement writes to, and let the fuse burn."""
        words = statement.split(None, 3)
        match words[0]:
            case "INSERT" | "DELETE":
                table = words[2]
            case "UPDATE":
                table = words[1]
            case _:
                return
        self._written.add(table)
        if self._burning and self.fuse:
            self.fuse.statements -= 1
            if self.fuse.statements <= 0 and self.fuse.moment is Moment.STATEMENT:
                # Now, not when it is caught: SQLAlchemy closes the connection, and SQLite tidies up as it does so.
                self._copied = self._copy()
                raise PowerCutError

    def _copy(self) -> Path:
        """Copy the files as a process leaves them that is gone at this moment; return the copy."""
        copy = self._directory / f"{self._number + 1}.db"
        for suffix in ("", "-wal"):
            source = self._file.with_name(self._file.name + suffix)
            if source.exists():
                shutil.copyfile(source, copy.with_name(copy.name + suffix))
        return copy

    def _tear(self, by: str, fuse: Fuse, before: Dump) -> None:
        """Lose the end of a commit: commit it, and go on with a copy that has only a part of what that wrote."""
        log = self._file.with_name(self._file.name + "-wal")
        copy = self._copy()
        began = log.stat().st_size if log.exists() else 0
        self._connection.commit()
        size = log.stat().st_size
        if size <= began:
            # The log was begun anew: what this commit wrote cannot be told from what was there.
            copy, expected = self._copy(), self.dump()
        else:
            expected = before
            torn = copy.with_name(copy.name + "-wal")
            shutil.copyfile(log, torn)
            os.truncate(torn, began + int((size - began) * fuse.part))
        self._cut(by, copy, expected)
        raise PowerCutError

    def _cut(self, by: str, copy: Path, expected: Dump) -> None:
        """Go on with a copy; it has to hold what is expected of it: whole transactions."""
        self.fuse = None
        self._connection.invalidate()
        self._connection.close()
        for old in self._directory.glob(f"{self._number}.db*"):
            old.unlink()
        self._number += 1
        self._connection = self._engine.connect(copy)
        found = self.dump()
        for table in (name for name in TABLES if found[name] != expected[name]):
            detail = f"after the crash of {by}, {table} is not what it was before it plus whole transactions"
            self.problem(CRASHES_LOSE_NOTHING, detail)
        if self.raw.execute("PRAGMA quick_check").fetchone() != ("ok",):
            self.problem(CRASHES_LOSE_NOTHING, f"the database is damaged after the crash of {by}")
        self.killed(by)
