"""One page of a list in the order of a key, from beyond a place on."""

from typing import Any

from sqlalchemy import ColumnElement, Select


def page_of(
    wanted: Select[Any], key: ColumnElement[Any], beyond: int | str | None, limit: int, *, descending: bool = False
) -> Select[Any]:
    """Return a query for up to `limit` of the wanted rows by `key`, from beyond a value of it; None: from the first."""
    page = wanted.order_by(key.desc() if descending else key).limit(limit)
    if beyond is None:
        return page
    return page.where(key < beyond if descending else key > beyond)
