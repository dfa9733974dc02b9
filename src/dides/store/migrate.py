"""Brings a database to the schema of this program."""

from collections.abc import Callable
from functools import cache

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine


class TooNewError(Exception):
    """The database was written by a newer dides than this one."""


def migrate(engine: Engine, opening: Callable[[Connection], None] = lambda _: None) -> None:
    """Run the migrations that are missing, in one transaction, which begins with `opening`.

    TooNewError when the database is ahead of us.
    """
    with engine.begin() as connection:
        opening(connection)
        present = MigrationContext.configure(connection).get_current_revision()
        if present == _known()[0]:
            return
        if present is not None and present not in _known():
            raise TooNewError(
                f"The database is at schema {present}, which this dides does not know: a newer dides wrote it. "
                "Start that version or a newer one, or restore a backup made by this one."
            )
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def configuration() -> Config:
    """Return Alembic's configuration; there is no alembic.ini."""
    config = Config()
    config.set_main_option("script_location", "dides.store:migrations")
    return config


@cache
def _known() -> tuple[str, ...]:
    """Return the revisions that this program knows, the newest first."""
    return tuple(script.revision for script in ScriptDirectory.from_config(configuration()).walk_revisions())
