"""The standard streams of a process, whatever it was started with: closed, full, or with a reader that leaves."""

import errno
import io
import os
import select
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

INPUT, OUTPUT, ERRORS = 0, 1, 2


class ReaderGoneError(Exception):
    """Whoever read standard output has left, as `head` does: there is nobody to say anything to."""


class StandardStream(io.FileIO):
    """Standard output or standard error. What cannot be written is lost, and remembered in `failure`.

    A command that has begun something goes on with it on a full disk. Only when the reader of standard output leaves,
    ReaderGoneError says so, once.
    """

    def __init__(self, descriptor: int, *, wants_reader: bool) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self.failure: OSError | None = None
        """Why something could not be written, if so."""
        self._wants_reader = wants_reader

    def write(self, data: "ReadableBuffer") -> int:
        """Write bytes, or lose them; returns how many there were. Raises ReaderGoneError."""
        left = memoryview(data).cast("B")
        size = len(left)
        try:
            while left:
                left = left[_write(self.fileno(), left) :]
        except OSError as error:
            first, self.failure = self.failure is None, self.failure or error
            if first and self._wants_reader and error.errno == errno.EPIPE:
                raise ReaderGoneError from error
        return size


def open_streams() -> StandardStream:
    """Give the process three standard streams that can be used; return its standard output.

    Descriptors that are closed are opened on the null device: a database, or a connection, would else get their
    numbers, and what is printed.
    """
    _open_closed_descriptors()
    output, errors = StandardStream(OUTPUT, wants_reader=True), StandardStream(ERRORS, wants_reader=False)
    sys.stdout, sys.stderr = _text(output, sys.stdout), _text(errors, sys.stderr)
    if sys.stdin is None:  # So it is when the descriptor was closed.
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(INPUT, "r", closefd=False)))
    return output


def _open_closed_descriptors() -> None:
    for descriptor in (INPUT, OUTPUT, ERRORS):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # It gets the lowest number that is free, which is this one.


def _text(stream: StandardStream, before: TextIO | None) -> TextIO:
    """Return a text stream like the one before; characters that its encoding lacks are replaced."""
    encoding = before.encoding if before else "utf-8"
    buffered = io.BufferedWriter(stream)
    return io.TextIOWrapper(buffered, encoding=encoding, errors="replace", line_buffering=stream.isatty())


def _write(descriptor: int, data: memoryview) -> int:
    try:
        return os.write(descriptor, data)
    except BlockingIOError:  # Somebody else who has this pipe, or terminal, wants it so.
        select.select([], [descriptor], [])
        return 0
