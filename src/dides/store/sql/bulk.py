"""Conditions on many ids as one parameter, however many: the statement stays prepared, and is quick to put together."""

from collections.abc import Iterable

import msgspec
from sqlalchemy import ARRAY, BigInteger, ColumnElement, Connection, String, any_, cast, column, func, literal, select

from dides.store.sql.arrays import array_of


def among(connection: Connection, number: ColumnElement[int], ids: Iterable[int]) -> ColumnElement[bool]:
    """Return the condition that a column holds one of these ids."""
    if connection.dialect.name == "sqlite":
        given = func.json_each(msgspec.json.encode(list(ids)).decode())
        values = given.table_valued(column("value", BigInteger), name="json_each")
        return number.in_(select(values.c.value))
    array = cast(literal(array_of("bigint", ids), String), ARRAY(BigInteger))
    # In a query of its own, for else PostgreSQL would read the text anew for each row that it looks at.
    return number == any_(cast(select(array).scalar_subquery(), ARRAY(BigInteger)))
