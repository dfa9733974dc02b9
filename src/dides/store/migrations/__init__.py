"""Alembic's environment and the schema's versions."""

NEWEST = "0006"
"""The revision of the newest migration: a database at this one needs none."""
