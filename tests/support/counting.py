"""Counts what a database is asked: statements, rows fetched, and the steps of SQLite's own machine."""

import sqlite3
from typing import Any

import msgspec
from sqlalchemy import Engine, event


class Work(msgspec.Struct):
    """What was done. Equal for equal work, however large the tables are that were not read."""

    statements: int = 0
    rows: int = 0
    """Rows fetched."""
    instructions: int = 0
    """Instructions of SQLite's virtual machine: these also count rows that are looked at and not fetched."""


class Counter:
    """Counts for the connections that an engine opens from now on."""

    def __init__(self, engine: Engine) -> None:
        self.work = Work()
        engine.dispose()
        event.listen(engine, "connect", self._connected)

    def restart(self) -> None:
        """Count from nothing."""
        self.work = Work()

    def _connected(self, connection: sqlite3.Connection, _: object) -> None:
        connection.row_factory = self._row
        connection.set_trace_callback(self._statement)
        connection.set_progress_handler(self._instruction, 1)

    def _statement(self, *_: object) -> None:
        self.work.statements += 1

    def _row(self, _: sqlite3.Cursor, row: tuple[Any, ...]) -> tuple[Any, ...]:
        self.work.rows += 1
        return row

    def _instruction(self) -> int:
        self.work.instructions += 1
        return 0
