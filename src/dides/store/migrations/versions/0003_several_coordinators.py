"""What coordinators need to follow the instances in memory, and each other; signs of life apart from the instances."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from dides.store.migrations.postgresql import FOLLOWING, NOT_FOLLOWING

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _instance_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("revision", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("heard", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("observed", sa.BigInteger(), nullable=True),
    ]


def upgrade() -> None:
    """Bring the schema to this version. Those decommissioned before keep no id: nobody remembers their instances."""
    for column in _instance_columns():
        op.add_column("instances", column)
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("decommissioned", sa.Column("instance_id", number, nullable=True))
    op.create_table(
        "sightings",
        sa.Column("coordinator", sa.String(), nullable=False),
        sa.Column("block", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seen", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("coordinator", "block", name=op.f("pk_sightings")),
    )
    op.drop_index("ix_events_at", "events")
    _only_on_postgresql(FOLLOWING)


def _only_on_postgresql(statements: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.get_bind().exec_driver_sql(statements)


def downgrade() -> None:
    """Take this version back."""
    _only_on_postgresql(NOT_FOLLOWING)
    op.create_index("ix_events_at", "events", ["at"])
    op.drop_table("sightings")
    op.drop_column("decommissioned", "instance_id")
    for column in reversed(_instance_columns()):
        op.drop_column("instances", column.name)
