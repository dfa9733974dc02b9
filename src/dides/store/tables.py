"""The tables. What heartbeats change, but for the mark and the next moment of an updating target, is in no index.

Server defaults stand where a migration added a column to tables that had rows; the program always gives a value.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    false,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
Id = BigInteger().with_variant(Integer, "sqlite")
Moment = BigInteger
Name = String().with_variant(String(collation="C"), "postgresql")
"""Compared byte by byte, so that pages come in the same order everywhere."""

instances = Table(
    "instances",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Name, nullable=False, unique=True),
    Column("ip", String, nullable=False),
    Column("labels", JSON, nullable=False),
    Column("credential_hash", LargeBinary, nullable=False, unique=True),
    Column("status", Integer, nullable=False),
    Column("current_code", String),
    Column("current_configuration", String),
    Column("desired_code", String),
    Column("desired_configuration", String),
    Column("last_good_code", String),
    Column("last_good_configuration", String),
    Column("generation", Integer, nullable=False),
    Column("told_by", Id, index=True),
    Column("message", String, nullable=False),
    Column("registered_at", Moment, nullable=False),
    Column("last_heartbeat_at", Moment),
    Column("reachable", Boolean, nullable=False),
    Column("revision", BigInteger, nullable=False, server_default="0"),
    Column("heard", Integer, nullable=False, server_default="0"),
    Column("observed", BigInteger),
    Column("session", String),
    Column("sequence", BigInteger, nullable=False, server_default="0"),
    # JSON that nobody searches, written and read with every report: kept as text, and null where there is nothing.
    Column("earlier_sessions", String),
    Column("duplicated_until", BigInteger, nullable=False, server_default="0"),
    sqlite_autoincrement=True,
)

instance_labels = Table(
    "instance_labels",
    metadata,
    Column("instance_id", Id, ForeignKey("instances.id", ondelete="CASCADE"), primary_key=True),
    Column("key", String, primary_key=True),
    Column("value", String, nullable=False),
    Index("ix_instance_labels_key_value", "key", "value", "instance_id"),
)

decommissioned = Table(
    "decommissioned",
    metadata,
    Column("credential_hash", LargeBinary, primary_key=True),
    Column("name", String, nullable=False),
    Column("at", Moment, nullable=False),
    Column("instance_id", Id),
)

sightings = Table(
    "sightings",
    metadata,
    Column("coordinator", String, primary_key=True),
    Column("block", Integer, primary_key=True, autoincrement=False),
    Column("seen", LargeBinary, nullable=False),
    Column("at", Moment, nullable=False),
)

convergences = Table(
    "convergences",
    metadata,
    Column("id", Id, primary_key=True),
    Column("instance_id", Id, ForeignKey("instances.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("source_id", Id, nullable=False),
    Column("code", String),
    Column("configuration", String),
    Column("told_at", Moment),
    Column("deadline_at", Moment),
    Index(
        "ix_convergences_waiting",
        "source_id",
        "id",
        sqlite_where=text("told_at IS NULL"),
        postgresql_where=text("told_at IS NULL"),
    ),
    Index(
        "ix_convergences_told",
        "source_id",
        sqlite_where=text("told_at IS NOT NULL"),
        postgresql_where=text("told_at IS NOT NULL"),
    ),
    Index(
        "ix_convergences_deadline",
        "deadline_at",
        sqlite_where=text("deadline_at IS NOT NULL"),
        postgresql_where=text("deadline_at IS NOT NULL"),
    ),
    sqlite_autoincrement=True,
)

heirs = Table(
    "heirs",
    metadata,
    Column("source_id", Id, primary_key=True, autoincrement=False),
    Column("instance_id", Id, ForeignKey("instances.id", ondelete="CASCADE"), primary_key=True, index=True),
)

deployments = Table(
    "deployments",
    metadata,
    Column("id", Id, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("status", String, nullable=False),
    # 1 while in flight, else null: the unique index is what allows only one, in the whole system.
    Column("in_flight", Integer, unique=True),
    Column("reason", String, nullable=False),
    Column("code", String),
    Column("configuration", String),
    Column("labels", JSON, nullable=False),
    Column("selector", String),
    Column("policy", JSON, nullable=False),
    Column("batch_window", Integer, nullable=False),
    Column("waves", JSON, nullable=False, server_default="[]"),
    Column("share", Integer),
    Column("max_unavailable", Integer),
    Column("total", Integer, nullable=False),
    Column("pending", Integer, nullable=False),
    Column("updating", Integer, nullable=False),
    Column("succeeded", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("skipped", Integer, nullable=False),
    Column("already", Integer, nullable=False),
    Column("deferred", Integer, nullable=False),
    Column("unavailable", Integer, nullable=False, server_default="0"),
    Column("spread", JSON, nullable=False, server_default="{}"),
    Column("wave_open", Integer, nullable=False, server_default="1"),
    Column("wave_began_with", Integer, nullable=False, server_default="0"),
    Column("wave_succeeded", Integer, nullable=False, server_default="0"),
    Column("deadline_at", Moment),
    Column("soaked_at", Moment),
    Column("blocked_until", Moment),
    Column("blocked_by", String),
    Column("next_position", Integer, nullable=False),
    Column("rollback_of", Id),
    Column("rolled_back_by", Id),
    Column("withdrawn", Boolean, nullable=False, server_default=false()),
    Column("created_at", Moment, nullable=False),
    Column("created_by", String, nullable=False),
    Column("paused_at", Moment),
    Column("finished_at", Moment),
    Index("ix_deployments_kind", "kind", "id"),
    sqlite_autoincrement=True,
)

targets = Table(
    "targets",
    metadata,
    Column("id", Id, primary_key=True),
    Column("deployment_id", Id, ForeignKey("deployments.id"), nullable=False),
    Column("instance_id", Id),
    Column("instance", String, nullable=False),
    Column("position", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("deferred", Boolean, nullable=False),
    Column("reason", String, nullable=False),
    Column("message", String, nullable=False),
    Column("to_code", String),
    Column("to_configuration", String),
    Column("before_code", String),
    Column("before_configuration", String),
    Column("last_good_code", String),
    Column("last_good_configuration", String),
    Column("earlier_code", String),
    Column("earlier_configuration", String),
    Column("generation", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("told_at", Moment),
    Column("deadline_at", Moment),
    Column("healthy_at", Moment),
    Column("retry_at", Moment),
    Column("due_at", Moment),
    Column("finished_at", Moment),
    Column("wave", Integer, nullable=False, server_default="0"),
    Column("spread", String, nullable=False, server_default=text("''")),
    Column("unhealthy", Boolean, nullable=False, server_default=false()),
    Column("late", Boolean, nullable=False, server_default=false()),
    Column("has_read", Boolean, nullable=False, server_default=false()),
    Column("failure_is_news", Boolean, nullable=False),
    Column("marked", Boolean, nullable=False),
    Column("report_at", Moment),
    Column("report_status", Integer),
    Column("report_code", String),
    Column("report_configuration", String),
    Column("report_observed", BigInteger),
    Column("report_message", String),
    UniqueConstraint("instance_id", "deployment_id"),
    Index("ix_targets_order", "deployment_id", "state", "deferred", "position"),
    Index("ix_targets_position", "deployment_id", "position"),
    Index("ix_targets_spread", "deployment_id", "state", "deferred", "spread", "position"),
    Index(
        "ix_targets_unhealthy",
        "deployment_id",
        "position",
        sqlite_where=text("unhealthy AND state = 'pending'"),
        postgresql_where=text("unhealthy AND state = 'pending'"),
    ),
    Index(
        "ix_targets_marked",
        "deployment_id",
        sqlite_where=text("marked = 1"),
        postgresql_where=text("marked"),
    ),
    Index(
        "ix_targets_due",
        "deployment_id",
        "due_at",
        sqlite_where=text("state = 'updating'"),
        postgresql_where=text("state = 'updating'"),
    ),
)

events = Table(
    "events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("kind", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("deployment_id", Id),
    Column("instance", String),
    Column("data", JSON, nullable=False),
    Index("ix_events_deployment_id", "deployment_id", "id"),
    sqlite_autoincrement=True,
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("actor", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("body_hash", LargeBinary, nullable=False),
    Column("deployment_id", Id, nullable=False),
    Column("at", Moment, nullable=False),
)

notes = Table(
    "notes",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", Moment, nullable=False),
)
