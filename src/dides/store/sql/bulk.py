"""Many ids, or many rows of one table, in one statement.

On SQLite a list is one parameter of JSON: the statement stays prepared, however long the list is. PostgreSQL's arrays
are written here as text, because the driver would put the same together several times more slowly.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Integer,
    LargeBinary,
    String,
    Table,
    TableValuedAlias,
    Update,
    any_,
    bindparam,
    cast,
    column,
    func,
    insert,
    literal,
    select,
    update,
)

KEY = "_id"
Value = str | int | bool | None
Row = tuple[Value, ...]
_KINDS = {JSON: "json", Boolean: "bool", BigInteger: "bigint", Integer: "int", LargeBinary: "bytea", String: "text"}
_TEXTS = {"text", "json"}


def kind_of(its: Column[Any]) -> str:
    """Return the name of PostgreSQL's type of a column."""
    return _KINDS[type(its.type)]


def is_one_of(connection: Connection, number: ColumnElement[int], ids: Iterable[int]) -> ColumnElement[bool]:
    """Return the condition that a column holds one of these ids."""
    if connection.dialect.name == "sqlite":
        given = func.json_each(list_parameter(connection, "bigint", ids))
        values = given.table_valued(column("value", BigInteger), name="json_each")
        return number.in_(select(values.c.value))
    array = cast(literal(array_of("bigint", ids), String), ARRAY(BigInteger))
    # In a query of its own, for else PostgreSQL would read the text anew for each row that it looks at.
    return number == any_(cast(select(array).scalar_subquery(), ARRAY(BigInteger)))


def is_among(name: str, kind: str) -> dict[str, str]:
    """Return the text of the condition that a column holds one of a `list_parameter`, by the kind of database."""
    in_json = f"{name} IN (SELECT value FROM json_each(?))"  # noqa: S608 - names of ours
    return {"sqlite": in_json, "postgresql": f"{name} = ANY(%s::{kind}[])"}


def list_parameter(connection: Connection, kind: str, values: Iterable[str | int]) -> str | list[Any]:
    """Return a list of values as the one parameter of a statement."""
    if connection.dialect.name == "sqlite":
        return msgspec.json.encode(list(values)).decode()
    return array_of(kind, values)


def array_of(kind: str, values: Iterable[Any]) -> str | list[Any]:
    """Return a parameter that PostgreSQL takes for an array of a kind: text, json, whole numbers, bool, or bytea."""
    if kind in _TEXTS:
        return "{" + ",".join(["NULL" if value is None else _quoted(value) for value in values]) + "}"
    if kind == "bytea":
        return list(values)
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def update_rows(connection: Connection, table: Table, rows: Sequence[dict[str, Any]], **same: object) -> None:
    """Update rows by their id, which each holds under KEY beside its columns' new values; `same` is set in them all."""
    if not rows:
        return
    if connection.dialect.name == "postgresql" and len(rows) > 1:
        connection.execute(_update_of_arrays(table, rows, same))
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
        new = _unnested(table, dict(zip(names, zip(*rows, strict=True), strict=True)))
        constant = [literal(value, table.c[name].type) for name, value in same.items()]
        connection.execute(insert(table).from_select([*names, *same], select(*new.c, *constant)))
    else:
        columns = [table.c[name].name for name in (*names, *same)]
        marks = ", ".join("?" for _ in columns)
        statement = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - names of ours
        values = tuple(same.values())
        connection.exec_driver_sql(statement, [row + values for row in rows])


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _update_of_arrays(table: Table, rows: Sequence[dict[str, Any]], same: Mapping[str, object]) -> Update:
    """Return one statement for all rows: one by one they would also be noted one by one, by the triggers."""
    new = _unnested(table, {name: [row[name] for row in rows] for name in rows[0]})
    changed = {name: new.c[name] for name in rows[0] if name != KEY}
    return update(table).where(table.c.id == new.c[KEY]).values({**changed, **same})


def _unnested(table: Table, given: Mapping[str, Sequence[Any]]) -> TableValuedAlias:
    """Return a table of the values of these columns."""
    columns = {name: table.c.id if name == KEY else table.c[name] for name in given}
    arrays = (
        cast(literal(array_of(kind_of(its), given[name]), String), ARRAY(its.type)) for name, its in columns.items()
    )
    return func.unnest(*arrays).table_valued(*columns, name="new").render_derived()
