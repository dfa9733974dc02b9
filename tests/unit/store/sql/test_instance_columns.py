"""The tuples from which statements about instances derive have every column of the table, each once."""

from dides.store.sql.instance_columns import COLUMNS, MATCHED, REPORTED, SUMMARY, instance_columns
from dides.store.sql.tables import instances
from support.stores import an_instance

GIVEN = {"id", "revision", "credential_hash"}
"""What the database, or the caller, gives a new row."""
ASSIGNED = {"desired_code", "desired_configuration", "generation", "assigned_by", "apply_rule"}


def test_every_column_of_the_table_is_read_once() -> None:
    assert sorted(COLUMNS) == sorted(instances.c.keys())


def test_a_new_instance_has_a_value_for_every_column() -> None:
    assert set(instance_columns(an_instance())) | GIVEN == set(COLUMNS)


def test_summaries_are_read_from_the_first_columns() -> None:
    assert COLUMNS[: len(SUMMARY)] == SUMMARY


def test_no_statement_names_a_column_that_there_is_not() -> None:
    assert {*MATCHED, *REPORTED} <= set(COLUMNS)


def test_heartbeats_and_assignments_write_different_columns() -> None:
    assert not ASSIGNED & set(REPORTED)
