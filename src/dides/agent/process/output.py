"""Where a command writes its output: a file that is kept short.

A file and not a pipe, because an apply may leave a daemon behind that goes on writing to the output it inherited.
A pipe would break when its reader ends, and take the daemon with it; and its end is not the end of the command.

Every command gets a file of its own, so that such a daemon does not talk into the output of the next one. The open
file carries a lock, which goes with it to whoever inherits it: for as long as one of them lives the file is in use.
A file in use is not removed, however old it is: nobody could cut it back any more, and it would grow without bound.
"""

import fcntl
import os
import re
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from dides.agent.process.supervisor import read_tail, trim
from dides.runtime.private_files import open_file

MOST_LEFT = 16
"""How many files that are still in use are kept beyond those that are to be kept. Beyond that, files are shared."""
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Output:
    """The output of one run of a command, in a file; the run before has the same name with .1 at its end, and so on."""

    def __init__(self, path: Path, keep: int = 0) -> None:
        """Begin an empty file (mode 0600), and keep those of `keep` runs before. Raises OSError."""
        exclusively = os.O_EXCL if _rotate(path, keep) else 0
        self.descriptor = open_file(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | exclusively)
        os.ftruncate(self.descriptor, 0)
        fcntl.flock(self.descriptor, fcntl.LOCK_SH)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self.descriptor)

    def trim(self) -> None:
        """Cut the file back to its tail when it has grown too long; whoever writes to it goes on after that."""
        trim(self.descriptor)

    def tail(self) -> str:
        """Return the end of the output as clean text."""
        return clean(read_tail(self.descriptor))


def read_output(path: Path) -> str:
    """Return the end of the output of the newest run of a command, of a former agent perhaps; empty without a file."""
    try:
        descriptor = open_file(path, os.O_RDONLY)
    except OSError:
        return ""
    try:
        return clean(read_tail(descriptor))
    finally:
        os.close(descriptor)


def trim_files(path: Path) -> None:
    """Cut back the files of a command and of its runs before, which daemons may go on writing to."""
    for _, file in _runs(path):
        with suppress(OSError):
            descriptor = open_file(file, os.O_RDWR | os.O_APPEND)
            try:
                trim(descriptor)
            finally:
                os.close(descriptor)


def clean(raw: bytes) -> str:
    """Return output as text that any reader can show: UTF-8, no colours, no control characters but new line and tab."""
    text = _ESCAPE.sub("", raw.decode(errors="replace")).replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("\ufffd", text).strip()


def shorten(head: str, tail: str, limit: int) -> str:
    """Return `head`, followed by as much of the end of `tail` as fits into `limit` characters."""
    if not tail:
        return head[:limit]
    room = limit - len(head) - 2
    return f"{head}: {tail if len(tail) <= room else '…' + tail[-(room - 1) :]}"


def _rotate(path: Path, keep: int) -> bool:
    """Make room for a new file: the runs before get higher numbers, and the oldest go unless somebody writes to them.

    False when there are so many of these that the newest file is to be shared.
    """
    runs = _runs(path)
    if len(runs) > keep + MOST_LEFT:
        return False
    for number, file in reversed(runs):
        if number < keep or _in_use(file):
            file.rename(path.with_name(f"{path.name}.{number + 1}"))
        else:
            file.unlink()
    return True


def _runs(path: Path) -> list[tuple[int, Path]]:
    """Return the files of a command, newest first, each with its number; the newest one has 0."""
    numbered = [(file.name.removeprefix(f"{path.name}."), file) for file in path.parent.glob(f"{path.name}.*")]
    older = sorted((int(number), file) for number, file in numbered if number.isdecimal())
    return [(0, path), *older] if path.is_symlink() or path.exists() else older


def _in_use(file: Path) -> bool:
    try:
        descriptor = open_file(file, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
