"""Database files for simulated worlds: migrated once in each process, then copied; one engine serves them all.

One engine, because SQLAlchemy keeps the statements that it has compiled with the engine: with an engine for each world
most of a world's time would go into compiling the same statements again.
"""

import atexit
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, event

from dides.store.migrate import migrate
from dides.store.sqlite.store import open_engine

MEMORY = Path("/dev/shm")  # noqa: S108 - made with mkdtemp in it; nothing in there survives, and nothing has to
BEGIN = "BEGIN IMMEDIATE"


def make_directory() -> Path:
    """Return a new directory, in memory where there is such a place; whoever asks for it removes it."""
    return Path(tempfile.mkdtemp(prefix="dides-sim-", dir=MEMORY if MEMORY.is_dir() else None))


def copy_template(file: Path) -> None:
    """Make an empty database at the schema of this program."""
    shutil.copyfile(_template(), file)


class Engine:
    """The engine of this process. It connects to whatever file is named in `file`, one world after the other."""

    def __init__(self) -> None:
        self.file = Path("none")
        self.on_statement: Callable[[str], None] = lambda _: None
        self._engine = open_engine(Path("simulated"), "OFF", BEGIN, creator=self._open)
        event.listen(self._engine, "before_cursor_execute", self._before)

    def connect(self, file: Path) -> Connection:
        """Return a connection to a file; the earlier one is to be invalidated first."""
        self.file = file
        return self._engine.connect()

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self.file, check_same_thread=False)

    def _before(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        self.on_statement(statement)


@cache
def engine() -> Engine:
    """Return the engine of this process; one world at a time may use it."""
    return Engine()


@cache
def _template() -> Path:
    directory = make_directory()
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    file = directory / "template.db"
    migrating = open_engine(file, "OFF", BEGIN)
    migrate(migrating)
    migrating.dispose()
    return file
