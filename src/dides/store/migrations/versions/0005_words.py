"""The words of the field: an instance is assigned a state, and was last seen at a moment."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

COLUMNS = (
    ("instances", "told_by", "assigned_by"),
    ("targets", "told_at", "assigned_at"),
    ("convergences", "told_at", "assigned_at"),
)
"""The columns that get another name: table, before, after."""
EVENTS = ("target.told", "target.assigned")
TABLES = ("sightings", "last_seen")


def upgrade() -> None:
    """Bring the schema to this version."""
    for table, before, after in COLUMNS:
        _rename_column(table, before, after)
    _rename_indexes("told", "assigned")
    _rename_table(*TABLES)
    _rename_events(*EVENTS)


def downgrade() -> None:
    """Take this version back."""
    _rename_events(*reversed(EVENTS))
    _rename_table(*reversed(TABLES))
    for table, before, after in COLUMNS:
        _rename_column(table, after, before)
    _rename_indexes("assigned", "told")


def _rename_column(table: str, before: str, after: str) -> None:
    op.execute(f"ALTER TABLE {table} RENAME COLUMN {before} TO {after}")


def _rename_indexes(before: str, after: str) -> None:
    """Give indexes their new names. Their conditions are written anew, too: SQLite keeps the old spelling of some."""
    for name in (f"ix_convergences_{before}", "ix_convergences_waiting"):
        op.drop_index(name, "convergences")
    op.drop_index(f"ix_instances_{before}_by", "instances")
    waiting, assigned = f"{after}_at IS NULL", f"{after}_at IS NOT NULL"
    op.execute(f"CREATE INDEX ix_convergences_waiting ON convergences (source_id, id) WHERE {waiting}")
    op.execute(f"CREATE INDEX ix_convergences_{after} ON convergences (source_id) WHERE {assigned}")
    op.create_index(f"ix_instances_{after}_by", "instances", [f"{after}_by"])


def _rename_table(before: str, after: str) -> None:
    op.rename_table(before, after)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER INDEX pk_{before} RENAME TO pk_{after}")


def _rename_events(before: str, after: str) -> None:
    op.execute(f"UPDATE events SET kind = '{after}' WHERE kind = '{before}'")  # noqa: S608 - two constants
