"""Lists, a page at a time. A cursor is the place where the next page begins, as an opaque text."""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from msgspec import UNSET, UnsetType

from dides.model.errors import FieldError, InvalidError
from dides.protocol.fields import HOSTNAME_PATTERN, LARGEST, LONGEST_HOSTNAME, whole

T = TypeVar("T")
_NAME = re.compile(whole(HOSTNAME_PATTERN))
_NUMBER = re.compile(r"[0-9]{1,16}\Z", re.ASCII)


def page_of(
    find: Callable[[int], Sequence[T]], limit: int, place: Callable[[T], str | int]
) -> tuple[Sequence[T], str | None]:
    """Return up to `limit` of what `find` returns, and the cursor of the next page, None when this is the last one.

    `find` is called with how many to look for: one more than are shown. `place` returns where an item stands.
    """
    found = find(limit + 1)
    shown = found[:limit]
    return shown, cursor_of(place(shown[-1])) if len(found) > limit else None


def cursor_of(place: str | int) -> str:
    """Return the cursor that stands for a place in a list."""
    return base64.urlsafe_b64encode(str(place).encode()).decode().rstrip("=")


def name_in(cursor: str | UnsetType) -> str | None:
    """Return the name after which a page begins, None for the first page; InvalidError when it is no cursor of ours."""
    return None if cursor is UNSET else _place(cursor, _NAME)


def number_in(cursor: str | UnsetType, highest: int = LARGEST) -> int | None:
    """Return the number beyond which a page begins, None for the first; InvalidError when it is no cursor of ours."""
    if cursor is UNSET:
        return None
    number = int(_place(cursor, _NUMBER))
    if number > highest:
        raise _invalid()
    return number


def _place(cursor: str, form: re.Pattern[str]) -> str:
    try:
        place = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        place = ""
    if len(place) > LONGEST_HOSTNAME or not form.match(place):
        raise _invalid()
    return place


def _invalid() -> InvalidError:
    return InvalidError(FieldError("cursor", "unknown cursor; omit it to start from the first page"))
