"""PostgreSQL's arrays as it writes them. The driver would put the same together several times more slowly."""

from collections.abc import Iterable
from typing import Any

Column = str | list[Any]
_TEXTS = {"text", "json"}


def array_of(kind: str, column: Iterable[Any]) -> Column:
    """Return a parameter that PostgreSQL takes for an array of a kind: text, json, whole numbers, bool, or bytea."""
    if kind in _TEXTS:
        return "{" + ",".join(["NULL" if each is None else _quoted(each) for each in column]) + "}"
    if kind == "bytea":
        return list(column)
    return "{" + ",".join(["NULL" if each is None else str(each) for each in column]) + "}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
