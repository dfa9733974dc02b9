"""Many rows of one table changed by one statement."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table, bindparam, update

KEY = "_id"


def update_rows(connection: Connection, table: Table, rows: Sequence[dict[str, Any]], **same: object) -> None:
    """Update rows by their id, which each holds under KEY beside its columns' new values; `same` is set in them all."""
    if rows:
        # Prefixed, because a bound parameter may not have the name of a column that the statement sets.
        changed: dict[str, Any] = {name: bindparam(f"_{name}") for name in rows[0] if name != KEY}
        bound = [{(name if name == KEY else f"_{name}"): value for name, value in row.items()} for row in rows]
        connection.execute(update(table).where(table.c.id == bindparam(KEY)).values({**changed, **same}), bound)
