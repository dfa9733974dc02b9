"""Long lists in pieces: a statement takes a limited number of parameters (SQLite: 32,766)."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
SIZE = 10_000
MOST = 5_000
"""Rows that are deleted at once: some tens of milliseconds."""


def chunks(items: Iterable[T], size: int = SIZE) -> Iterator[list[T]]:
    """Yield the items in lists of at most `size`."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
