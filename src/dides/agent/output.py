"""Where a command writes its output: a file that is kept short.

A file and not a pipe, because an apply may leave a daemon behind that goes on writing to the output it inherited.
A pipe would break when the agent ends, and take the daemon with it; and its end is not the end of the command.
Every command gets a file of its own, so that such a daemon does not talk into the output of the next one.
"""

import os
import re
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Self

LIMIT = 1024 * 1024
"""Bytes; a longer file is cut back to its tail."""
TAIL = 16 * 1024
"""Bytes; four for each character of the longest message, and then some for what is cleaned away."""
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Output:
    """The output of one run of a command, in a file; the run before has the same name with .1 at its end, and so on."""

    def __init__(self, path: Path, keep: int = 0) -> None:
        """Begin an empty file (mode 0600), and keep those of `keep` runs before. Raises OSError."""
        _rotate(path, keep)
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self.descriptor)

    def trim(self) -> None:
        """Cut the file back to its tail when it has grown too long; whoever writes to it goes on after that."""
        _trim(self.descriptor)

    def tail(self) -> str:
        """Return the end of the output as clean text."""
        return clean(_read_tail(self.descriptor))


def trim_files(path: Path) -> None:
    """Cut back the files of a command and of its runs before, which daemons may go on writing to. Raises OSError."""
    for file in path.parent.glob(f"{path.name}*"):
        if file.stat().st_size > LIMIT:
            descriptor = os.open(file, os.O_RDWR | os.O_APPEND)
            try:
                _trim(descriptor)
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


def _rotate(path: Path, keep: int) -> None:
    """Make room for a new file; what is written to the oldest one is nobody's any more."""
    names = [path, *(path.with_name(f"{path.name}.{number}") for number in range(1, keep + 1))]
    names[-1].unlink(missing_ok=True)
    for older, newer in pairwise(reversed(names)):
        if newer.exists():
            newer.rename(older)


def _trim(descriptor: int) -> None:
    if os.fstat(descriptor).st_size > LIMIT:
        kept = _read_tail(descriptor)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, kept)


def _read_tail(descriptor: int) -> bytes:
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, TAIL, max(0, size - TAIL))
