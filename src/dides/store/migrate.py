"""Brings a database to the schema of this program."""

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine


class TooNewError(Exception):
    """The database was written by a newer dides than this one."""


def migrate(engine: Engine) -> None:
    """Run the migrations that are missing, in one transaction; TooNewError when the database is ahead of us."""
    config = configuration()
    with engine.begin() as connection:
        present = MigrationContext.configure(connection).get_current_revision()
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if present is not None and present not in known:
            raise TooNewError(
                f"The database is at schema {present}, which this dides does not know: a newer dides wrote it. "
                "Start that version or a newer one, or restore a backup made by this one."
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def configuration() -> Config:
    """Return Alembic's configuration; there is no alembic.ini."""
    config = Config()
    config.set_main_option("script_location", "dides.store:migrations")
    return config
