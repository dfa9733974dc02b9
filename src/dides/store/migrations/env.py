"""Alembic runs this: migrate over the connection that dides.store.migrate hands in."""

from alembic import context

from dides.store.sql.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
