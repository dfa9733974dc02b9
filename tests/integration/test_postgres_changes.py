"""The log of changes: how long it is kept, and what stays of it."""

from collections.abc import AsyncIterator

import pytest

from dides.store.postgres.change_feed import PRUNE
from dides.store.postgres.change_log import KEEP, forget
from dides.store.postgres.store import PostgresStore
from support.postgres import statement
from support.postgres_server import the_server
from support.processes import until

AT = 1_000_000


@pytest.fixture
async def store(database: str) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(the_server().url(database))
    yield store
    await store.close()


def fill(database: str, changes: int, commits: int, at: int) -> None:
    """Write down changes and commits of long ago."""
    for text in (
        f"INSERT INTO changes (origin, ids, at) SELECT 'test', '{{}}', {at} FROM generate_series(1, {changes})",
        f"INSERT INTO commits SELECT gen_random_uuid(), {at} FROM generate_series(1, {commits})",
    ):
        statement(the_server(), text, database)


def left(database: str) -> tuple[int, int]:
    text = f"SELECT (SELECT count(*) FROM changes WHERE at <= {AT}), (SELECT count(*) FROM commits WHERE at <= {AT})"
    ((changes, commits),) = statement(the_server(), text, database)
    return changes, commits


async def test_what_is_old_is_deleted_in_pieces_but_for_the_newest_change(store: PostgresStore, database: str) -> None:
    """Which may be what a coordinator has remembered, to see whether the database was put back."""
    fill(database, changes=10, commits=5, at=AT)
    with store._reading.connect() as connection:
        assert forget(connection, AT, most=4) is False, "as old as that is not old yet"
        assert left(database) == (10, 5)
        more = [forget(connection, AT + 1, most=4) for _ in range(3)]
    assert more == [True, True, False]
    assert left(database) == (1, 0)


async def test_in_a_log_in_which_nothing_was_something_is_to_remember(store: PostgresStore, database: str) -> None:
    feed = store._feed
    await until(lambda: feed._last is not None and feed._last.newest is not None)
    assert statement(the_server(), "SELECT origin, ids FROM changes", database) == [(feed._origin, [])]


async def test_a_clock_that_is_set_forward_makes_nothing_old_at_once(store: PostgresStore, database: str) -> None:
    """Somebody may be about to look for what was committed a moment ago."""
    feed = store._feed
    fill(database, changes=2, commits=2, at=AT)
    feed._pruned_to, feed._prune_at = AT + KEEP, 0.0
    await until(lambda: feed._prune_at > PRUNE)
    assert left(database) == (2, 2)
    feed._prune_at = 0.0
    await until(lambda: left(database) == (1, 0))
