"""Blocking queries: an instance asks for its desired state, and is answered once there is something new."""

from collections.abc import Callable

import msgspec

from dides.coordinator.memory.instance_cache import InstanceCache
from dides.coordinator.memory.waiters import Waiter, Waiters
from dides.model.errors import NotFoundError, UnauthorizedError
from dides.model.instance import InstanceSummary
from dides.runtime.clock import Clock


class Query(msgspec.Struct, frozen=True, gc=False):
    """One blocking query."""

    name: str
    generation: int
    """What the instance knows of."""
    until: float
    """When it is answered at the latest, in seconds of the coordinator's monotonic clock."""
    asker: InstanceSummary | None = None
    """The instance as it was when it showed its credential; None where that was looked at elsewhere."""


class Queries:
    """When a query is answered: at once, or after having been held. Everything happens on one event loop."""

    def __init__(
        self, instance_cache: InstanceCache, waiters: Waiters, clock: Clock, check_current: Callable[[], None]
    ) -> None:
        """`check_current` raises UnavailableError while the instance cache may be old."""
        self._instance_cache = instance_cache
        self._waiters = waiters
        self._clock = clock
        self._check_current = check_current

    def query(self, name: str, generation: int, wait: float, asker: InstanceSummary | None = None) -> Query:
        """Return a query that is asked now, and waits for `wait` seconds at the most."""
        return Query(name, generation, self._clock.monotonic() + wait, asker)

    def answer(self, query: Query) -> InstanceSummary | None:
        """Return what is known of the instance; None while there is nothing new and time is left.

        At a stop at once. NotFoundError, UnavailableError; UnauthorizedError once the asker's credential is replaced.
        """
        self._check_current()
        summary, asker = self._instance_cache.get(query.name), query.asker
        if summary is None or (asker and asker.id != summary.id):
            raise NotFoundError(f"There is no instance {query.name}.")
        if asker and asker.credential_hash != summary.credential_hash:
            raise UnauthorizedError("This credential was replaced by a newer one.")
        if summary.generation > query.generation or self._left(query) <= 0 or self._waiters.closed:
            return summary
        return None

    def hold(self, query: Query) -> Waiter:
        """Hold a query that had no answer in this turn of the loop: look again once what is returned is done."""
        return self._waiters.wait(query.name, self._left(query))

    def after(self, query: Query, *, makes_room: bool) -> Query:
        """Return a query after a wait: one that makes room for a newer one has no time left."""
        return msgspec.structs.replace(query, until=0.0) if makes_room else query

    def let_go(self, wait: Waiter) -> None:
        """Let a query be answered now."""
        self._waiters.let_go(wait)

    def leave(self, wait: Waiter) -> None:
        """Hold a query no longer."""
        self._waiters.leave(wait)

    async def answered(self, query: Query) -> InstanceSummary:
        """Return what is known of the instance once there is something new, else when time is over.

        At a stop at once. NotFoundError, UnavailableError; UnauthorizedError once the asker's credential is replaced.
        """
        while (summary := self.answer(query)) is None:
            wait = self.hold(query)
            try:
                query = self.after(query, makes_room=await wait)
            finally:
                self.leave(wait)
        return summary

    async def wait_for_change(self, name: str, generation: int, wait: float) -> InstanceSummary:
        """Return what is known of an instance once its generation is above the given one, else after `wait` seconds.

        At a stop at once. NotFoundError, UnavailableError.
        """
        return await self.answered(self.query(name, generation, wait))

    def _left(self, query: Query) -> float:
        return query.until - self._clock.monotonic()
