"""Brings a database to the schema of this program.

Only a database at another schema needs Alembic. Its import takes an eighth of the coordinator's start.
"""

from collections.abc import Callable

from sqlalchemy import Connection, Engine, String, column, select, table

from dides.store.migrations import NEWEST

_REVISION = select(column("version_num", String)).select_from(table("alembic_version"))


class TooNewError(Exception):
    """The database was written by a newer dides than this one."""


def migrate(engine: Engine, opening: Callable[[Connection], None] = lambda _: None) -> None:
    """Run the migrations that are missing, in one transaction, which begins with `opening`.

    TooNewError when the database is ahead of us.
    """
    with engine.begin() as connection:
        opening(connection)
        present = _revision(connection)
        if present != NEWEST:
            _upgrade(connection, present)


def _upgrade(connection: Connection, present: str | None) -> None:
    from dides.store import upgrade  # noqa: PLC0415 - it imports Alembic

    if present is not None and present not in upgrade.known_revisions():
        raise TooNewError(
            f"The database is at schema {present}, which this dides does not know: a newer dides wrote it. "
            "Start that version or a newer one, or restore a backup made by this one."
        )
    upgrade.upgrade(connection)


def _revision(connection: Connection) -> str | None:
    """Return the schema's version; None for a database without a schema."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    return connection.execute(_REVISION).scalar()
