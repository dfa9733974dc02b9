"""The log of changes: what a look at it sees, and what has to be told for what came about between two looks.

Triggers write down which instances a statement has changed, with the number of its transaction (`changes`, see the
migration). A look reads what is visible on its snapshot and was not on that of the look before: transactions that have
begun since, and those that were under way then. So none is missed, in whatever order they commit, and a transaction
that stays open for hours costs nothing.

All of that holds as long as the database is the one that it was. It may be put back to an older copy of itself: from a
dump, from a snapshot of its disk, by a standby that had not received everything. Numbers do not tell, because they are
given out again. So each look remembers the newest change, and the store what it has committed last; where the next look
does not find them any more, what was known may never have happened.
"""

from collections.abc import Sequence
from enum import Enum
from time import monotonic

import msgspec
from sqlalchemy import Connection

from dides.store.batching import MOST
from dides.store.postgres.connections import begin, driver_of
from dides.store.postgres.transactions import NOW

KEEP = 300_000
"""Milliseconds for which changes are kept. Who has not looked for half of that reads everything anew."""
_NEXT = "pg_snapshot_xmax(pg_current_snapshot())::text"
_RUNNING = "ARRAY(SELECT pg_snapshot_xip(pg_current_snapshot())::text)"
_NEWEST = "(SELECT ARRAY[id, transaction::text::bigint, at] FROM changes ORDER BY id DESC LIMIT 1)"
# The lock comes first: a snapshot from before a wait for it sees nothing of the tables that a dump brings meanwhile.
_LOOKING = "REPEATABLE READ READ ONLY; LOCK TABLE changes IN ACCESS SHARE MODE"
_SNAPSHOT = f"SELECT {NOW}, {_NEXT}, {_RUNNING}, {_NEWEST}"
_IS_THERE = "SELECT EXISTS (SELECT FROM changes WHERE id = %s AND transaction::text::bigint = %s AND at = %s)"
_KEPT = "SELECT count(*) FROM commits WHERE token = ANY(%s::uuid[])"
_CHANGES = (
    "SELECT ids, names FROM changes WHERE (transaction >= %s::xid8 OR transaction = ANY(%s::xid8[])) "
    "AND (origin IS DISTINCT FROM %s OR transaction = ANY(%s::xid8[]))"
)
_GONE = "SELECT instance_id, name FROM decommissioned WHERE instance_id IS NOT NULL AND at >= %s"
_BEGIN = "INSERT INTO changes (origin, ids) VALUES (%s, '{}')"
# The newest of the old ones stays: it may be what a look has remembered.
_OLD = "SELECT id FROM changes WHERE at < %s AND id < (SELECT max(id) FROM changes WHERE at < %s) ORDER BY id LIMIT %s"
_FORGET = f"DELETE FROM changes WHERE id IN ({_OLD})"  # noqa: S608 - nothing from outside
_FORGET_COMMITS = "DELETE FROM commits WHERE token IN (SELECT token FROM commits WHERE at < %s LIMIT %s)"


class Look(msgspec.Struct, frozen=True):
    """What was visible at a look."""

    history: str
    now: int
    """The server's time (ms)."""
    next: str
    """The first transaction that had not begun."""
    running: Sequence[str]
    """Those that had begun and not ended."""
    newest: Sequence[int] | None = None
    """What names the newest change, if there was one."""
    went_on: bool = True
    """It was over the same connection as the look before."""
    put_back: bool = False
    """What was there before was not there any more."""
    unsure: int = 0
    """How many transactions of this coordinator had an outcome that nobody knew."""
    at: float = 0.0
    """When it began (monotonic seconds of this process)."""
    emptied: bool = False
    """At it followers have forgotten all they knew, perhaps with something that this coordinator had just told them."""


class News(Enum):
    """What there is to tell after a look."""

    CHANGES = "what has changed since the look before"
    EVERYTHING = "every instance, because nobody knows what has changed"
    ANOTHER = "every instance, and that nothing told before is true any more"


def look_at(connection: Connection, last: Look | None, own: Sequence[str], *, went_on: bool, unsure: int) -> Look:
    """Look, in a transaction on one snapshot that is left open. SQLAlchemyError.

    `own` are the tokens of what this coordinator has committed since the look before.
    """
    at = monotonic()
    now, next_transaction, running, newest = begin(connection, _LOOKING, _SNAPSHOT)
    history = driver_of(connection).history
    put_back = last is not None and not (_is_there(connection, last.newest, newest) and _are_kept(connection, own))
    return Look(history, now, next_transaction, running, newest, went_on, put_back, unsure, at)


def news_of(last: Look, look: Look) -> News:
    """Return what is to be told after a look, and the one before it."""
    # Times by a clock that was set back say nothing of what was removed since.
    if last.history != look.history or look.put_back or (look.now < last.now and not look.went_on):
        return News.ANOTHER
    passed = max(look.now - last.now, 1000 * (look.at - last.at))
    # A connection breaks in a crash, after which the numbers of transactions may be given out again.
    if not look.went_on or look.unsure > last.unsure or passed > KEEP // 2:
        return News.EVERYTHING
    return News.CHANGES


def changed_since(
    connection: Connection, last: Look, origin: str, unsure: Sequence[str]
) -> tuple[set[int], list[tuple[int, str]]]:
    """Return who was changed after a look, and who was removed, by others than `origin` or by one of `unsure`."""
    changed: set[int] = set()
    gone: list[tuple[int, str]] = []
    # What was told while followers forgot all they knew may be forgotten as well: no origin is left out then.
    since = (last.next, list(last.running), None if last.emptied else origin, list(unsure))
    for ids, names in connection.exec_driver_sql(_CHANGES, since):
        changed.update(ids)
        gone += zip(ids, names, strict=True) if names else ()
    return changed.difference(number for number, _ in gone), gone


def removed_before(connection: Connection, last: Look) -> list[tuple[int, str]]:
    """Return who was removed since a look, and somewhat before it."""
    return [(row[0], row[1]) for row in connection.exec_driver_sql(_GONE, (last.now - KEEP,))]


def begin_log(connection: Connection, origin: str) -> None:
    """Write down that nothing has changed, so that there is a change to remember. SQLAlchemyError."""
    connection.exec_driver_sql(_BEGIN, (origin,))


def forget(connection: Connection, before: int, most: int = MOST) -> bool:
    """Delete changes, and tokens of commits, from before a moment (ms); return whether there may be more."""
    changes = connection.exec_driver_sql(_FORGET, (before, before, most)).rowcount
    commits = connection.exec_driver_sql(_FORGET_COMMITS, (before, most)).rowcount
    return max(changes, commits) >= most


def _is_there(connection: Connection, before: Sequence[int] | None, newest: Sequence[int] | None) -> bool:
    if before is None or before == newest:
        return True
    return bool(connection.exec_driver_sql(_IS_THERE, tuple(before)).scalar_one())


def _are_kept(connection: Connection, tokens: Sequence[str]) -> bool:
    return not tokens or connection.exec_driver_sql(_KEPT, (list(tokens),)).scalar_one() == len(tokens)
