"""What the rules need that the field's bug reports asked for; each table's new columns stand in one list."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _new_columns() -> dict[str, list[sa.Column[Any]]]:
    """Return the new columns by table."""
    return {
        "instances": [],
        "convergences": [],
        "deployments": [],
        "targets": [],
    }


def upgrade() -> None:
    """Bring the schema to this version."""
    for table, columns in _new_columns().items():
        for column in columns:
            op.add_column(table, column)


def downgrade() -> None:
    """Take this version back."""
    for table, columns in reversed(_new_columns().items()):
        for column in reversed(columns):
            op.drop_column(table, column.name)
