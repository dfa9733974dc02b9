"""Files that only their owner may write: opened without following links, made exclusively, owner and mode checked.

Everything that is kept in a state directory, a data directory or a backup goes through here. Whoever may write to such
a directory could else plant a link, and have a credential written, or a token read, somewhere else.
"""

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

PRIVATE_FILE = 0o600
PRIVATE_DIRECTORY = 0o700


class UnsafePathError(OSError):
    """A file or directory that somebody else could have planted, or could change; `strerror` says why, and a remedy."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(errno.EPERM, why, str(path))


def open_directory(path: Path) -> int:
    """Return the descriptor of a directory, made (0700) with its parents where it is missing.

    Raises UnsafePathError when somebody else owns it or may write to it, OSError when it cannot be had. Links to
    directories are followed: what they lead to has to belong to this user all the same.
    """
    path.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _check_directory(path, os.fstat(descriptor))
    except UnsafePathError:
        os.close(descriptor)
        raise
    return descriptor


def open_file(path: Path, flags: int) -> int:
    """Return the descriptor of a regular file, opened with `flags`; where O_CREAT makes it, its mode is 0600.

    Raises UnsafePathError for a link, for what is no regular file, and for one that somebody else owns or may change
    (or read, if its directory lets them in); OSError when it cannot be opened.
    """
    try:
        # Without O_NONBLOCK a FIFO would keep its reader waiting.
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, PRIVATE_FILE)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK):
            raise UnsafePathError(path, "it is a symbolic link, which is not followed here") from error
        raise
    try:
        _check_file(path, os.fstat(descriptor), unread=True)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def make_file(path: Path) -> int:
    """Return the descriptor of a new file (0600), to be read and written; FileExistsError when anything is there."""
    return open_file(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)


def read_file(path: Path) -> bytes:
    """Return what is in a file; raises what `open_file` raises."""
    with os.fdopen(open_file(path, os.O_RDONLY), "rb") as file:
        return file.read()


def replace_file(path: Path, content: bytes, *, rename: Callable[[Path, Path], object] = os.replace) -> None:
    """Replace a file (0600) whole or not at all; durable when it returns. `rename` is the seam for tests of a crash.

    Raises OSError, and what was there then stays.
    """
    draft = draft_of(path)
    draft.unlink(missing_ok=True)  # One that a crash left behind may be somebody else's by now.
    with os.fdopen(make_file(draft), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    rename(draft, path)
    sync_directory(path.parent)


def draft_of(path: Path) -> Path:
    """Return where a file is written before it is renamed into its place."""
    return path.with_name(f".{path.name}.new")


def sync_directory(path: Path) -> None:
    """Make durable which files a directory holds, after one was renamed into it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_place(path: Path) -> None:
    """Raise UnsafePathError unless a path is free, or a regular file that nobody else owns or may change.

    For files that a library opens by name: it follows links.
    """
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if stat.S_ISLNK(status.st_mode):
        raise UnsafePathError(path, "it is a symbolic link, which is not followed here")
    _check_file(path, status, unread=False)


def _check_directory(path: Path, status: os.stat_result) -> None:
    user = os.geteuid()
    if user != 0 and status.st_uid not in (user, 0):
        raise UnsafePathError(path, f"it belongs to another user (uid {status.st_uid})")
    if _others_may_write(status):
        raise UnsafePathError(path, f"other users may write to it (chmod go-w {path} changes that)")


def _check_file(path: Path, status: os.stat_result, *, unread: bool) -> None:
    """Raise UnsafePathError for a file that others own or may change; or, if it is to be `unread`, may read."""
    if not stat.S_ISREG(status.st_mode):
        raise UnsafePathError(path, "it is no regular file")
    directory, user = path.parent.stat(), os.geteuid()
    trusted = {user, 0} if user != 0 else {0, directory.st_uid}
    if status.st_uid not in trusted:
        raise UnsafePathError(path, f"it belongs to another user (uid {status.st_uid})")
    readable = unread and directory.st_mode & stat.S_IXOTH and status.st_mode & stat.S_IROTH
    reached = directory.st_mode & (stat.S_IXGRP | stat.S_IXOTH)
    if readable or (reached and _others_may_write(status)):
        raise UnsafePathError(path, f"other users may read or change it (chmod 600 {path} changes that)")


def _others_may_write(status: os.stat_result) -> bool:
    """Tell whether somebody besides the owner and this user may write; a user's private group is nobody else."""
    if status.st_mode & stat.S_IWOTH:
        return True
    private_group = status.st_gid in (status.st_uid, os.geteuid())
    return bool(status.st_mode & stat.S_IWGRP) and not private_group
