"""Copies of an SQLite database: whole or not at all, also while it is in use."""

import sqlite3
from contextlib import closing
from pathlib import Path

from dides.runtime.datadir import LOGS, belongs_to_a_coordinator
from dides.runtime.destination import DestinationError, check_destination, draft_for


class CopyError(Exception):
    """A copy that could not be made; the text says why."""


def back_up(source: Path, destination: Path) -> None:
    """Copy a database to where backups are kept; replaces an earlier backup there, and nothing else.

    Raises CopyError as `copy_database` does, and when the destination belongs to a coordinator or is no backup.
    """
    if destination.exists() and source.exists() and destination.samefile(source):
        raise CopyError(f"{destination} is the database itself. Name another file for the copy.")
    _check_replaceable(destination)
    copy_database(source, destination)


def copy_database(source: Path, destination: Path) -> None:
    """Copy a database, in use or not, with SQLite's online backup; replaces what is at the destination, whole or not.

    Raises CopyError when the source is no database, or the destination is no regular file or cannot be written.
    """
    check_database(source)
    try:
        with draft_for(destination) as draft:
            draft.touch(mode=0o600)
            with closing(_read_only(source)) as origin, closing(sqlite3.connect(draft)) as copy:
                origin.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")
            _remove_logs(destination)
    except (DestinationError, OSError, sqlite3.Error) as error:
        raise CopyError(f"{source} could not be copied to {destination}: {error}") from error


def _check_replaceable(file: Path) -> None:
    """Raise CopyError unless a path is free, or has a backup or an empty file, and no coordinator works with it."""
    try:
        check_destination(file)
        if belongs_to_a_coordinator(file):
            raise CopyError(
                f"{file} is among the files that a coordinator works with. Name a file in another directory."
            )
        if file.exists() and file.stat().st_size and not _is_ours(file):
            raise CopyError(f"{file} exists, and is no backup of dides. Remove it, or name another file.")
    except (DestinationError, OSError) as error:
        raise CopyError(str(error)) from error


def _is_ours(file: Path) -> bool:
    try:
        with closing(_read_only(file)) as database:
            database.execute("SELECT version_num FROM alembic_version")
    except sqlite3.Error:
        return False
    return True


def _remove_logs(database: Path) -> None:
    """Remove what belongs to a database that is about to be replaced: it would be applied to the new one."""
    for ending in LOGS:
        database.with_name(database.name + ending).unlink(missing_ok=True)


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
