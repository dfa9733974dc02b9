"""Keeps the coordinators' own log out of a simulation, but for errors: a loop that failed is a finding."""

import logging
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, Never

import structlog


@contextmanager
def errors_only(report: Callable[[str], None]) -> Iterator[None]:
    """Pass errors to `report` while the block lasts, and drop the rest of the log."""

    def take(_logger: object, _method: str, entry: MutableMapping[str, Any]) -> Never:
        report(" ".join(f"{name}={value!r}" for name, value in entry.items()))
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(
        processors=[structlog.processors.format_exc_info, take],
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
    )
    try:
        yield
    finally:
        structlog.configure(**before)
