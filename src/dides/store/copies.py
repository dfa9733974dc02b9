"""Copies of an SQLite database: whole or not at all, also while it is in use."""

import sqlite3
from contextlib import closing
from pathlib import Path


class CopyError(Exception):
    """A copy that could not be made; the text says why."""


def copy_database(source: Path, destination: Path) -> None:
    """Copy a database, in use or not, with SQLite's online backup; replaces what is at the destination.

    Raises CopyError when the source is no database, or the destination is the source or cannot be written.
    """
    check_database(source)
    if destination.exists() and destination.samefile(source):
        raise CopyError(f"{destination} is the database itself. Name another file for the copy.")
    draft = destination.with_name(destination.name + ".new")
    try:
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        with closing(_read_only(source)) as origin, closing(sqlite3.connect(draft)) as copy:
            origin.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
        for leftover in ("-wal", "-shm"):
            # They belong to the database that is being replaced, and would be applied to the new one.
            destination.with_name(destination.name + leftover).unlink(missing_ok=True)
        draft.replace(destination)
    except (OSError, sqlite3.Error) as error:
        raise CopyError(f"{source} could not be copied to {destination}: {error}.") from error


def check_database(file: Path) -> None:
    """Raise CopyError unless a file is a sound database of dides."""
    if not file.is_file():
        raise CopyError(f"There is no database at {file}. Name the right --data-dir or file.")
    try:
        with closing(_read_only(file)) as database:
            sound = database.execute("PRAGMA quick_check").fetchone()
            database.execute("SELECT version_num FROM alembic_version")
    except sqlite3.Error as error:
        raise CopyError(f"{file} is not a database of dides: {error}.") from error
    if sound != ("ok",):
        raise CopyError(f"{file} is damaged: {sound[0]}.")


def _read_only(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=10)
