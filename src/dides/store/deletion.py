"""What is old is deleted in pieces, each in a transaction of its own: nobody waits for more than one of them."""

from sqlalchemy import ColumnElement, Connection, Table, delete, select, tuple_


def delete_some(connection: Connection, table: Table, old: ColumnElement[bool], most: int) -> int:
    """Delete rows that are `old`, `most` of them; return how many. SQLAlchemyError."""
    key = list(table.primary_key.columns)
    some = select(*key).where(old).limit(most)
    return connection.execute(delete(table).where(tuple_(*key).in_(some))).rowcount
