"""What the rules need that the field's bug reports asked for; each table's new columns stand in one list."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


UPDATING, DUE, LAPSED = sa.text("state = 'updating'"), sa.text("due_at IS NOT NULL"), sa.text("lapse IS NOT NULL")
"""The conditions of the partial indexes of targets."""


def _count(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), nullable=False, server_default="0")


STOPPED = sa.text("heirs_stopped_at IS NOT NULL")


def _new_columns() -> dict[str, list[sa.Column[Any]]]:
    """Return the new columns by table."""
    return {
        "instances": [
            sa.Column("owned_labels", sa.String(), nullable=True),
            sa.Column("session", sa.String(), nullable=True),
            sa.Column("sequence", sa.BigInteger(), nullable=False, server_default="0"),
            sa.Column("earlier_sessions", sa.String(), nullable=True),
            sa.Column("duplicated_until", sa.BigInteger(), nullable=False, server_default="0"),
            sa.Column("apply_rule", sa.String(), nullable=False, server_default="unless_healthy"),
        ],
        "convergences": [],
        "deployments": [
            sa.Column("withdrawn", sa.Boolean(), nullable=False, server_default=sa.false()),
            sa.Column("forgotten", sa.Boolean(), nullable=False, server_default=sa.false()),
            _count("heirs_arrived"),
            _count("heirs_failed"),
            sa.Column("heirs_stopped_at", sa.BigInteger(), nullable=True),
            _count("silent"),
            _count("degraded"),
            _count("joined_failed"),
            _count("decommissioned"),
            _count("wave_lapsed"),
            sa.Column("health_until", sa.BigInteger(), nullable=True),
            sa.Column("waiting_since", sa.BigInteger(), nullable=True),
            sa.Column("outage_since", sa.BigInteger(), nullable=True),
            sa.Column("outage_base", sa.Integer(), nullable=False, server_default="0"),
            sa.Column("outage_over", sa.Boolean(), nullable=False, server_default=sa.false()),
        ],
        "targets": [
            sa.Column("late", sa.Boolean(), nullable=False, server_default=sa.false()),
            sa.Column("already", sa.Boolean(), nullable=False, server_default=sa.false()),
            sa.Column("joined", sa.Boolean(), nullable=False, server_default=sa.false()),
            sa.Column("lapse", sa.String(), nullable=True),
        ],
    }


def upgrade() -> None:
    """Bring the schema to this version."""
    for table, columns in _new_columns().items():
        for column in columns:
            op.add_column(table, column)
    _type_actors()
    _watch_successes()
    _add_heirs()
    forgotten = sa.text("forgotten")
    op.create_index(
        "ix_deployments_forgotten", "deployments", ["id"], sqlite_where=forgotten, postgresql_where=forgotten
    )
    op.create_index("ix_deployments_stopped", "deployments", ["id"], sqlite_where=STOPPED, postgresql_where=STOPPED)
    _fill_withdrawn()


def _add_heirs() -> None:
    """Add the table of heirs, with those that are known: who was told by what they are no target of."""
    identity = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "heirs",
        sa.Column("source_id", identity, primary_key=True, autoincrement=False),
        sa.Column(
            "instance_id",
            identity,
            sa.ForeignKey("instances.id", name="fk_heirs_instance_id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.PrimaryKeyConstraint("source_id", "instance_id", name="pk_heirs"),
    )
    op.create_index("ix_heirs_instance_id", "heirs", ["instance_id"])
    op.execute(
        "INSERT INTO heirs (source_id, instance_id) SELECT d.id, i.id FROM instances i JOIN deployments d "
        "ON d.id = i.told_by WHERE d.kind = 'deploy' AND d.status = 'completed' AND d.rolled_back_by IS NULL "
        "AND NOT EXISTS (SELECT 1 FROM targets t WHERE t.deployment_id = d.id AND t.instance_id = i.id "
        "AND t.told_at IS NOT NULL)"
    )


def _fill_withdrawn() -> None:
    """Take for withdrawn what was rolled back, unless that rollback was aborted."""
    table = sa.table("deployments", *(sa.column(name) for name in ("id", "status", "rolled_back_by", "withdrawn")))
    rollback = table.alias()
    undone = sa.exists().where(rollback.c.id == table.c.rolled_back_by, rollback.c.status != "aborted")
    op.get_bind().execute(sa.update(table).where(undone).values(withdrawn=sa.true()))


def downgrade() -> None:
    """Take this version back."""
    _forget_successes()
    _untype_actors()
    op.drop_index("ix_deployments_stopped", "deployments")
    op.drop_index("ix_deployments_forgotten", "deployments")
    op.drop_table("heirs")
    for table, columns in reversed(_new_columns().items()):
        for column in reversed(columns):
            op.drop_column(table, column.name)


def _watch_successes() -> None:
    """Let succeeded targets wait for moments, too; none of those that are there does."""
    op.execute("UPDATE targets SET already = TRUE WHERE state = 'skipped' AND reason = 'already at target'")
    op.execute("UPDATE targets SET deadline_at = NULL, healthy_at = NULL, due_at = NULL WHERE state <> 'updating'")
    _index_due_targets(DUE)
    columns = ["deployment_id", "position"]
    op.create_index("ix_targets_lapsed", "targets", columns, sqlite_where=LAPSED, postgresql_where=LAPSED)


def _forget_successes() -> None:
    op.drop_index("ix_targets_lapsed", "targets")
    _index_due_targets(UPDATING)


def _index_due_targets(condition: sa.TextClause) -> None:
    op.drop_index("ix_targets_due", "targets")
    columns = ["deployment_id", "due_at"]
    op.create_index("ix_targets_due", "targets", columns, sqlite_where=condition, postgresql_where=condition)


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
