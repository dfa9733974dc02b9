"""What the policies of a deployment need: waves, spreading, availability, further attempts."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

UPDATING = sa.text("state = 'updating'")
UNHEALTHY = sa.text("unhealthy AND state = 'pending'")


def _deployment_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("waves", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("share", sa.Integer(), nullable=True),
        sa.Column("max_unavailable", sa.Integer(), nullable=True),
        sa.Column("unavailable", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("spread", sa.JSON(), nullable=False, server_default="{}"),
        sa.Column("wave_open", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("wave_began_with", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("wave_succeeded", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("deadline_at", sa.BigInteger(), nullable=True),
        sa.Column("soaked_at", sa.BigInteger(), nullable=True),
        sa.Column("blocked_until", sa.BigInteger(), nullable=True),
        sa.Column("blocked_by", sa.String(), nullable=True),
    ]


def _target_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("healthy_at", sa.BigInteger(), nullable=True),
        sa.Column("retry_at", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("wave", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("spread", sa.String(), nullable=False, server_default=sa.text("''")),
        sa.Column("unhealthy", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("has_read", sa.Boolean(), nullable=False, server_default=sa.false()),
    ]


def upgrade() -> None:
    """Bring the schema to this version. What was rolled out before had one wave, of everything."""
    for column in _deployment_columns():
        op.add_column("deployments", column)
    for column in _target_columns():
        op.add_column("targets", column)
    _fill_waves()
    op.execute("UPDATE targets SET wave = 1 WHERE told_at IS NOT NULL")
    op.execute("UPDATE targets SET due_at = deadline_at")
    op.execute("UPDATE targets SET healthy_at = report_at WHERE marked AND report_status = 1 AND state = 'updating'")
    op.drop_column("deployments", "threshold")
    op.drop_index("ix_targets_deadline", "targets")
    op.create_index(
        "ix_targets_due", "targets", ["deployment_id", "due_at"], sqlite_where=UPDATING, postgresql_where=UPDATING
    )
    op.create_index("ix_targets_spread", "targets", ["deployment_id", "state", "deferred", "spread", "position"])
    op.create_index(
        "ix_targets_unhealthy",
        "targets",
        ["deployment_id", "position"],
        sqlite_where=UNHEALTHY,
        postgresql_where=UNHEALTHY,
    )


def _fill_waves() -> None:
    table = sa.table(
        "deployments",
        sa.column("id", sa.BigInteger),
        sa.column("total", sa.Integer),
        sa.column("succeeded", sa.Integer),
        sa.column("waves", sa.JSON),
        sa.column("wave_succeeded", sa.Integer),
    )
    connection = op.get_bind()
    for row in connection.execute(sa.select(table.c.id, table.c.total, table.c.succeeded)).all():
        filled = {"waves": [row.total], "wave_succeeded": row.succeeded}
        connection.execute(sa.update(table).where(table.c.id == row.id).values(filled))


def downgrade() -> None:
    """Take this version back."""
    op.drop_index("ix_targets_unhealthy", "targets")
    op.drop_index("ix_targets_spread", "targets")
    op.drop_index("ix_targets_due", "targets")
    op.create_index(
        "ix_targets_deadline",
        "targets",
        ["deployment_id", "deadline_at"],
        sqlite_where=UPDATING,
        postgresql_where=UPDATING,
    )
    op.add_column("deployments", sa.Column("threshold", sa.Integer(), nullable=False, server_default="1"))
    for column in reversed(_target_columns()):
        op.drop_column("targets", column.name)
    for column in reversed(_deployment_columns()):
        op.drop_column("deployments", column.name)
