"""A coordinator's data directory: locked by the one that runs on it, with the tokens and the database inside."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dides.runtime.private_files import check_place, open_directory, open_file, read_file, replace_file

OPERATOR_FILE = "operator-token"
REGISTRATION_FILE = "registration-token"
DATABASE = "dides.db"
LOCK = "lock"
DATABASE_LOCK = ".lock"
NO_DATABASES = (LOCK, OPERATOR_FILE, REGISTRATION_FILE)
"""What a data directory holds besides a database."""
LOGS = ("-wal", "-shm", "-journal")
"""What SQLite adds to the name of a database for the files beside it."""


class DataDirectoryError(Exception):
    """A data directory that cannot be used; the text says why and what to do."""


class DataDirectory:
    """A directory of its own for one coordinator."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def database(self) -> Path:
        """The file of the embedded database."""
        return self.path / DATABASE

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the directory, creating it (0700) where it is missing; the lock ends with the process in any case.

        Raises DataDirectoryError when another process holds it, when it cannot be created or written, or when other
        users may write to it.
        """
        try:
            os.close(open_directory(self.path))
        except OSError as error:
            raise DataDirectoryError(
                f"{self.path} cannot be used as a data directory: {error.strerror}. Name another one with --data-dir."
            ) from error
        with held(self.path / LOCK, self.path):
            yield

    def token(self, name: str) -> str:
        """Return the token in a file (0600) of the directory, made at random the first time. DataDirectoryError."""
        file = self.path / name
        try:
            token = _read_or_make(file).decode("ascii").strip()
        except OSError as error:
            raise DataDirectoryError(f"The token in {file} cannot be read: {error.strerror}.") from error
        except UnicodeError as error:
            raise DataDirectoryError(f"The token in {file} cannot be read: {error}.") from error
        if not token:
            raise DataDirectoryError(f"{file} is empty. Write a token into it, or delete it to have a new one made.")
        return token


@contextmanager
def held(lock: Path, what: Path) -> Iterator[None]:
    """Hold a lock file for as long as the block lasts; it ends with the process in any case.

    Raises DataDirectoryError, which names `what` the lock is for, when another process holds it.
    """
    try:
        descriptor = open_file(lock, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise DataDirectoryError(f"{what} cannot be used: {lock}: {error.strerror}.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise DataDirectoryError(f"Another dides works on {what}. Stop it first, or choose another one.") from None
    finally:
        os.close(descriptor)


@contextmanager
def held_database(file: Path) -> Iterator[None]:
    """Hold a database, wherever it is: two coordinators on one SQLite file would not know of each other.

    Raises DataDirectoryError when another process holds it, or when one of its files is a link or somebody else's,
    or when the file is something else to a coordinator.
    """
    if file.name in NO_DATABASES or _is_beside_a_database(file):
        raise DataDirectoryError(f"{file} is no place for a database: a coordinator needs it for something else.")
    for suffix in ("", *LOGS):
        place = file.with_name(file.name + suffix)
        try:
            check_place(place)
        except OSError as error:
            raise DataDirectoryError(f"{place} cannot be used as a database: {error.strerror}.") from error
    with held(file.with_name(file.name + DATABASE_LOCK), file):
        yield


def belongs_to_a_coordinator(file: Path) -> bool:
    """Tell whether a path, with or without a file, is in a data directory, or is a coordinator's database or its log.

    Any coordinator's: one that has ever run there has left its lock.
    """
    place = file.parent.resolve() / file.name
    in_data_directory = any((place.parent / name).exists() for name in NO_DATABASES)
    return in_data_directory or place.with_name(place.name + DATABASE_LOCK).exists() or _is_beside_a_database(place)


def _is_beside_a_database(file: Path) -> bool:
    """Tell whether a path is the log, or the lock, of a database that is there."""
    databases = (file.name.removesuffix(ending) for ending in (*LOGS, DATABASE_LOCK) if file.name.endswith(ending))
    return any(file.with_name(name).exists() for name in databases if name)


def _read_or_make(file: Path) -> bytes:
    """Return what is in the file of a token, made at random where there is no file."""
    try:
        return read_file(file)
    except FileNotFoundError:
        replace_file(file, secrets.token_urlsafe(32).encode() + b"\n")
        return read_file(file)
