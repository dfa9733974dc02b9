"""Files that are written where somebody says: whole or not at all, and over nothing that is no file."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dides.runtime.private_files import sync_directory


class DestinationError(Exception):
    """A place at which no file can be written; the text says why, and what to do."""


def check_destination(file: Path) -> None:
    """Raise DestinationError unless a path is free, or a regular file that can be replaced.

    A link is not followed: whoever may make one could else choose what is replaced.
    """
    try:
        mode = file.lstat().st_mode
    except FileNotFoundError:
        _check_directory(file)
        return
    except OSError as error:
        raise DestinationError(f"{file} cannot be written: {error.strerror}.") from error
    if not stat.S_ISREG(mode):
        raise DestinationError(f"{file} is {_kind(mode)}, and no regular file. Name a file.")


@contextmanager
def draft_for(file: Path) -> Iterator[Path]:
    """Yield the path of a draft; when the block ends well, the draft takes the file's place, durably.

    The draft is alone in a private directory beside the file, so that nobody else can touch it, and so that all of it
    is removed when the block fails. Raises DestinationError as `check_destination` does, and when nothing can be
    written there.
    """
    check_destination(file)
    try:
        workshop = Path(tempfile.mkdtemp(prefix=".dides-", dir=file.parent))
    except OSError as error:
        raise DestinationError(f"{file} cannot be written: {error.strerror}.") from error
    try:
        draft = workshop / file.name
        yield draft
        _put(draft, file)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def _put(draft: Path, file: Path) -> None:
    try:
        _sync(draft)
        draft.replace(file)
        sync_directory(file.parent)
    except OSError as error:
        raise DestinationError(f"{file} cannot be written: {error.strerror}.") from error


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_directory(file: Path) -> None:
    if not file.parent.is_dir():
        raise DestinationError(f"{file} cannot be written: there is no directory {file.parent}.")


def _kind(mode: int) -> str:
    kinds = {
        stat.S_IFLNK: "a symbolic link",
        stat.S_IFDIR: "a directory",
        stat.S_IFIFO: "a FIFO",
        stat.S_IFSOCK: "a socket",
    }
    return kinds.get(stat.S_IFMT(mode), "a device")
