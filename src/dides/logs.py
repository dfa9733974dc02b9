"""Logs: structured, to standard output only; readable on a terminal, JSON otherwise."""

import contextlib
import io
import logging
import os
import sys
from typing import TextIO, cast

import structlog


class _StandardOutput(io.TextIOBase):
    """Standard output, as it is at the moment. A line that cannot be written (a full disk, a reader gone) is lost.

    It must not be more than that: whoever logs has accepted a request, or updates an instance.
    """

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.write(text)
        return len(text)

    def flush(self) -> None:
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            # Nobody will ever read it; without this, Python would fail on what is buffered when it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except (OSError, ValueError):
            return


def configure_logging(*, json: bool | None = None) -> None:
    """Send every log line of this process to standard output; `json` None means: JSON unless it is a terminal."""
    as_json = not sys.stdout.isatty() if json is None else json
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer() if as_json else _readable()
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer] if as_json else [*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _StandardOutput())),
    )
    _adopt_the_standard_library([*shared, structlog.stdlib.add_logger_name], renderer)


def _readable() -> structlog.dev.ConsoleRenderer:
    # Plain tracebacks: the pretty ones show the values of local variables, among them tokens.
    return structlog.dev.ConsoleRenderer(pad_event_to=0, exception_formatter=structlog.dev.plain_traceback)


def _adopt_the_standard_library(shared: list[structlog.typing.Processor], renderer: structlog.typing.Processor) -> None:
    """Format what libraries log with the standard library in the same way."""
    handler = logging.StreamHandler(_StandardOutput())
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
