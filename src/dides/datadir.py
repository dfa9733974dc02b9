"""A coordinator's data directory: locked by the one that runs on it, with the tokens and the database inside."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

OPERATOR_FILE = "operator-token"
REGISTRATION_FILE = "registration-token"
DATABASE = "dides.db"


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

        Raises DataDirectoryError when another process holds it, or when it cannot be created or written.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise DataDirectoryError(f"{self.path} cannot be used as a data directory: {error.strerror}.") from error
        with held(self.path / "lock", self.path):
            yield

    def token(self, name: str) -> str:
        """Return the token in a file (0600) of the directory, made at random the first time. DataDirectoryError."""
        file = self.path / name
        try:
            if not file.exists():
                _write_private(file, secrets.token_urlsafe(32))
            token = file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeError) as error:
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
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DataDirectoryError(f"{what} cannot be used: {lock}: {error.strerror}.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise DataDirectoryError(f"Another dides works on {what}. Stop it first, or choose another one.") from None
    finally:
        os.close(descriptor)


def held_database(file: Path) -> AbstractContextManager[None]:
    """Hold a database, wherever it is: two coordinators on one SQLite file would not know of each other."""
    return held(file.with_name(file.name + ".lock"), file)


def _write_private(file: Path, text: str) -> None:
    """Write a file that is there whole or not at all, for its owner only."""
    draft = file.with_name(file.name + ".new")
    draft.unlink(missing_ok=True)  # One that an earlier start left behind may be readable by others.
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as out:
        out.write(text + "\n")
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)
