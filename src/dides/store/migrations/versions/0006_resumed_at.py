"""When the timers of a deployment went on last: what it waits for from a moment before that counts from then."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this version."""
    op.add_column("deployments", sa.Column("resumed_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Take this version back."""
    op.drop_column("deployments", "resumed_at")
