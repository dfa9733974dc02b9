"""Many rows of one table written by one statement."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    Column,
    Connection,
    String,
    Table,
    TableValuedAlias,
    Update,
    bindparam,
    cast,
    func,
    insert,
    literal,
    select,
    update,
)

from dides.store.arrays import array_of

KEY = "_id"
_KINDS = {"BIGINT": "bigint", "INTEGER": "int", "BOOLEAN": "bool", "VARCHAR": "text"}


def update_rows(connection: Connection, table: Table, rows: Sequence[dict[str, Any]], **same: object) -> None:
    """Update rows by their id, which each holds under KEY beside its columns' new values; `same` is set in them all."""
    if not rows:
        return
    if connection.dialect.name == "postgresql" and len(rows) > 1:
        connection.execute(_of_arrays(connection, table, rows, same))
    else:
        # Prefixed, because a bound parameter may not have the name of a column that the statement sets.
        changed: dict[str, Any] = {name: bindparam(f"_{name}") for name in rows[0] if name != KEY}
        bound = [{(name if name == KEY else f"_{name}"): value for name, value in row.items()} for row in rows]
        connection.execute(update(table).where(table.c.id == bindparam(KEY)).values({**changed, **same}), bound)


def insert_rows(connection: Connection, table: Table, rows: Sequence[dict[str, Any]], same: Mapping[str, Any]) -> None:
    """Add rows, each with its own values beside those that are the `same` in all."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        new = _unnested(connection, table, rows)
        constant = [literal(value, table.c[name].type) for name, value in same.items()]
        connection.execute(insert(table).from_select([*rows[0], *same], select(*new.c, *constant)))
    else:
        connection.execute(insert(table), [{**row, **same} for row in rows])


def _of_arrays(
    connection: Connection, table: Table, rows: Sequence[dict[str, Any]], same: Mapping[str, object]
) -> Update:
    """Return one statement for all rows: one by one they would also be noted one by one, by the triggers."""
    new = _unnested(connection, table, rows)
    changed = {name: new.c[name] for name in rows[0] if name != KEY}
    return update(table).where(table.c.id == new.c[KEY]).values({**changed, **same})


def _unnested(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> TableValuedAlias:
    columns = {name: table.c.id if name == KEY else table.c[name] for name in rows[0]}
    arrays = (_array(connection, column, [row[name] for row in rows]) for name, column in columns.items())
    return func.unnest(*arrays).table_valued(*columns, name="new").render_derived()


def _array(connection: Connection, column: Column[Any], values: list[Any]) -> Any:
    kind = _KINDS[column.type.compile(connection.dialect).partition(" ")[0]]
    return cast(literal(array_of(kind, values), String), ARRAY(column.type))
