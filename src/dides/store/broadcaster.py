"""Those who follow what a store commits, each on an event loop of its own."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition, Lock
from time import monotonic

from sqlalchemy import Connection

from dides.store.records import Changes
from dides.store.sql.instance_reads import all_summaries
from dides.store.sql.transaction import MOST_BROADCAST

Follower = Callable[[Changes], None]
REMEMBER_SECONDS = 60.0
"""How long it is remembered who is gone: no reading that still shows them takes as long."""
PATIENCE = 1.0
"""Seconds that a teller waits at the most for a follower whose loop stands still."""


class _Member:
    """A follower, and how many instances it was told of and has not taken up yet."""

    def __init__(self, loop: asyncio.AbstractEventLoop, follower: Follower) -> None:
        self._loop = loop
        self._follower = follower
        self._behind = 0
        self._caught_up = Condition()

    def wait(self) -> None:
        """Wait until it has taken up what it was told, if that was much: else all of it would come in one turn."""
        with self._caught_up:
            self._caught_up.wait_for(lambda: self._behind < MOST_BROADCAST or self._loop.is_closed(), PATIENCE)

    def broadcast(self, changes: Changes) -> None:
        """Tell it, without waiting."""
        if self._loop.is_closed():
            return
        with self._caught_up:
            self._behind += len(changes.summaries)
        self._loop.call_soon_threadsafe(self._take, changes)

    def _take(self, changes: Changes) -> None:
        try:
            self._follower(changes)
        finally:
            with self._caught_up:
                self._behind -= len(changes.summaries)
                self._caught_up.notify_all()


class Broadcaster:
    """Tells followers, in the order in which it is told itself. May be used from any thread."""

    def __init__(self) -> None:
        self._members: tuple[_Member, ...] = ()
        self._gone: dict[int, float] = {}
        self._lock = Lock()

    def __bool__(self) -> bool:
        """Tell whether anybody follows."""
        return bool(self._members)

    @contextmanager
    def joined(self, follower: Follower) -> Iterator[Follower]:
        """Let a follower hear of all from now on, on the running loop, unless the block fails.

        Gives the way to tell this one alone: what there was before.
        """
        member = _Member(asyncio.get_running_loop(), follower)
        with self._lock:
            self._members += (member,)
        try:
            yield lambda changes: self._broadcast((member,), changes)
        except BaseException:
            with self._lock:
                self._members = tuple(other for other in self._members if other is not member)
            raise

    def broadcast(self, changes: Changes) -> None:
        """Tell all of changes, which are durable now; of much one piece in a turn of their loops."""
        self._broadcast(self._members, changes)

    def _broadcast(self, members: tuple[_Member, ...], changes: Changes) -> None:
        for member in members:
            member.wait()  # Before the lock, for which the loops may be waiting.
        with self._lock:
            if changes.anew:
                self._gone.clear()
            self._note_gone(changes)
            if self._gone:
                # What was read before an instance was removed may be told after that.
                known = [summary for summary in changes.summaries if summary.id not in self._gone]
                changes = Changes(known, changes.gone, changes.anew)
            for member in members:
                member.broadcast(changes)

    def _note_gone(self, changes: Changes) -> None:
        now = monotonic()
        for number in [gone for gone, since in self._gone.items() if now - since > REMEMBER_SECONDS]:
            del self._gone[number]
        self._gone.update((number, now) for number, _ in changes.gone)


def broadcast_all(broadcast: Follower, connection: Connection) -> None:
    """Tell of all instances there are, in pieces."""
    for summaries in all_summaries(connection):
        broadcast(Changes(summaries, []))
