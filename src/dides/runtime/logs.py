"""Logs: structured, to standard output only; readable on a terminal, JSON otherwise.

Whoever logs never waits for whoever reads: lines go into a queue, which a thread empties into standard output. The
event loop of a coordinator would else stand still for as long as the reader of a full pipe, or a terminal.
"""

import atexit
import io
import logging
import os
import select
import sys
import threading
from collections import deque
from typing import TextIO, cast

import structlog

ROOM = 4 * 1024 * 1024
"""Bytes that may wait to be written; beyond them lines are lost."""
LAST_WORDS = 1.0
"""Seconds for which a process that ends waits for its last lines to be written."""


class LogWriter:
    """Writes lines to a descriptor, on a thread of its own.

    A line for which there is no room, or which cannot be written (a full disk, a reader gone), is lost and counted. It
    must not be more than that: whoever logs has accepted a request, or updates an instance.
    """

    def __init__(self, descriptor: int, room: int = ROOM) -> None:
        self.lost = 0
        """Lines that were lost."""
        self._descriptor = descriptor
        self._room = room
        self._lines: deque[bytes] = deque()
        self._waiting = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def put(self, line: str) -> None:
        """Have a line written, soon; returns at once."""
        data = line.encode("utf-8", "backslashreplace")
        with self._changed:
            reports_a_loss = threading.current_thread() is self._thread
            if self._waiting + len(data) > self._room and not reports_a_loss:
                self.lost += 1
                return
            self._lines.append(data)
            self._waiting += len(data)
            self._start()
            self._changed.notify_all()

    def flush(self, seconds: float) -> None:
        """Wait until everything is written, but no longer than so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting, seconds)

    def _start(self) -> None:
        if self._thread is None:
            # Nobody waits for it when the process ends: it may never come back from a write.
            self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        reported = 0
        while True:
            line = self._next()
            written = _write(self._descriptor, line)
            if written and (lost := self.lost) > reported:
                structlog.get_logger().warning("log lines were lost", lines=lost - reported)
                reported = lost
            with self._changed:
                self.lost += not written
                self._waiting -= len(line)
                self._changed.notify_all()

    def _next(self) -> bytes:
        with self._changed:
            self._changed.wait_for(lambda: self._lines)
            return self._lines.popleft()


def _write(descriptor: int, data: bytes) -> bool:
    """Write all of a line, however long that takes; tell whether that went well."""
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:  # Somebody else who has this pipe, or terminal, wants it so.
            select.select([], [descriptor], [])
        except OSError:
            return False
    return True


class _Log(io.TextIOBase):
    """What looks like a file to those who log."""

    def __init__(self, writer: LogWriter) -> None:
        self._writer = writer

    def write(self, text: str) -> int:
        self._writer.put(text)
        return len(text)


_WRITERS: list[LogWriter] = []
"""The writer of this process, once logging is configured."""


def lost_lines() -> int:
    """Return how many lines of this process's log have been lost."""
    return sum(writer.lost for writer in _WRITERS)


def say(line: str) -> None:
    """Write a line for people among those of the log, as soon and as surely as these."""
    for writer in _WRITERS:
        writer.put(f"{line}\n")


def configure_logging(*, json: bool | None = None, room: int = ROOM) -> None:
    """Send every log line of this process to standard output; `json` None means: JSON unless it is a terminal.

    `room` is how many bytes may wait to be written.
    """
    as_json = not sys.stdout.isatty() if json is None else json
    writer = LogWriter(sys.stdout.fileno(), room)
    _WRITERS.append(writer)
    atexit.register(writer.flush, LAST_WORDS)
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer() if as_json else _readable()
    file = cast("TextIO", _Log(writer))
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer] if as_json else [*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file),
    )
    _adopt_the_standard_library(file, [*shared, structlog.stdlib.add_logger_name], renderer)
    _adopt_what_nobody_catches()


def _readable() -> structlog.dev.ConsoleRenderer:
    # Plain tracebacks: the pretty ones show the values of local variables, among them tokens.
    return structlog.dev.ConsoleRenderer(pad_event_to=0, exception_formatter=structlog.dev.plain_traceback)


def _adopt_the_standard_library(
    file: TextIO, shared: list[structlog.typing.Processor], renderer: structlog.typing.Processor
) -> None:
    """Format what libraries log with the standard library, and warnings, in the same way."""
    handler = logging.StreamHandler(file)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.captureWarnings(True)


def _adopt_what_nobody_catches() -> None:
    """Log the exceptions of threads and of finalizers; Python would print them, and wait for whoever reads that."""
    log = structlog.get_logger()

    def of_thread(failed: threading.ExceptHookArgs) -> None:
        log.error("a thread has failed", exc_info=failed.exc_value)

    def of_finalizer(failed: "sys.UnraisableHookArgs") -> None:
        log.error("an exception was ignored", exc_info=failed.exc_value, where=repr(failed.object))

    threading.excepthook = of_thread
    sys.unraisablehook = of_finalizer
