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

from dides.store.sql.arrays import array_of

KEY = "_id"
Value = str | int | bool | None
Row = tuple[Value, ...]
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


def insert_rows(
    connection: Connection, table: Table, names: Sequence[str], rows: Sequence[Row], same: Mapping[str, Value]
) -> None:
    """Add rows, each with its own values of the named columns beside those that are the `same` in all.

    The columns hold text, numbers or truth values, which databases take as they are.
    """
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        new = _unnested(connection, table, dict(zip(names, zip(*rows, strict=True), strict=True)))
        constant = [literal(value, table.c[name].type) for name, value in same.items()]
        connection.execute(insert(table).from_select([*names, *same], select(*new.c, *constant)))
    else:
        columns = [table.c[name].name for name in (*names, *same)]
        marks = ", ".join("?" for _ in columns)
        statement = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - names of ours
        values = tuple(same.values())
        connection.exec_driver_sql(statement, [row + values for row in rows])


def _of_arrays(
    connection: Connection, table: Table, rows: Sequence[dict[str, Any]], same: Mapping[str, object]
) -> Update:
    """Return one statement for all rows: one by one they would also be noted one by one, by the triggers."""
    new = _unnested(connection, table, {name: [row[name] for row in rows] for name in rows[0]})
    changed = {name: new.c[name] for name in rows[0] if name != KEY}
    return update(table).where(table.c.id == new.c[KEY]).values({**changed, **same})


def _unnested(connection: Connection, table: Table, given: Mapping[str, Sequence[Any]]) -> TableValuedAlias:
    """Return a table of the values of these columns."""
    columns = {name: table.c.id if name == KEY else table.c[name] for name in given}
    arrays = (_array(connection, column, given[name]) for name, column in columns.items())
    return func.unnest(*arrays).table_valued(*columns, name="new").render_derived()


def _array(connection: Connection, column: Column[Any], values: Sequence[Any]) -> Any:
    kind = _KINDS[column.type.compile(connection.dialect).partition(" ")[0]]
    return cast(literal(array_of(kind, values), String), ARRAY(column.type))
