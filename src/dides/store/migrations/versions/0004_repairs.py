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
        "instances": [
            sa.Column("session", sa.String(), nullable=True),
            sa.Column("sequence", sa.BigInteger(), nullable=False, server_default="0"),
            sa.Column("earlier_sessions", sa.String(), nullable=True),
            sa.Column("duplicated_until", sa.BigInteger(), nullable=False, server_default="0"),
        ],
        "convergences": [],
        "deployments": [],
        "targets": [],
    }


def upgrade() -> None:
    """Bring the schema to this version."""
    for table, columns in _new_columns().items():
        for column in columns:
            op.add_column(table, column)
    _type_actors()


def downgrade() -> None:
    """Take this version back."""
    _untype_actors()
    for table, columns in reversed(_new_columns().items()):
        for column in reversed(columns):
            op.drop_column(table, column.name)


ACTORS = {"events": "actor", "deployments": "created_by", "idempotency_keys": "actor"}
"""The column that says who did something, by table. Until now it had an instance by its name alone."""
BY_INSTANCES = ("instance.registered", "instance.registered_again", "instance.reported")
"""The kinds of events that only an instance causes, whatever its name is."""


def _type_actors() -> None:
    """Write `system` for the coordinator, and `instance:` before the name of an instance."""
    events = sa.table("events", sa.column("kind", sa.String()), sa.column("actor", sa.String()))
    named = sa.literal("instance:") + events.c.actor
    op.execute(events.update().where(events.c.kind.in_(BY_INSTANCES)).values(actor=named))
    for table, name in ACTORS.items():
        changed, actor = _actors_of(table, name)
        op.execute(changed.update().where(actor == "coordinator").values({name: "system"}))
        untyped = actor.not_in(("system", "operator", "anonymous")) & ~actor.startswith("instance:")
        op.execute(changed.update().where(untyped).values({name: sa.literal("instance:") + actor}))


def _untype_actors() -> None:
    for table, name in ACTORS.items():
        changed, actor = _actors_of(table, name)
        op.execute(changed.update().where(actor == "system").values({name: "coordinator"}))
        typed = actor.startswith("instance:")
        op.execute(changed.update().where(typed).values({name: sa.func.substr(actor, len("instance:") + 1)}))


def _actors_of(table: str, name: str) -> tuple[sa.TableClause, sa.ColumnClause[str]]:
    actor = sa.column(name, sa.String())
    return sa.table(table, actor), actor
