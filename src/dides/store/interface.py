"""What every store guarantees.

A unit of work is an ordinary function of a Transaction. The store runs it in one database transaction, so that what
it reads and what it writes belong together.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from dides.runtime.clock import Clock
from dides.store.records import Changes
from dides.store.repositories import Convergences, Events, Heirs, Inventory, Keys, LastSeen
from dides.store.rollout_repositories import Deployments, Targets
from dides.store.writer_metrics import WriterStatistics

T = TypeVar("T")


class Transaction(Protocol):
    """One unit of work's view of the store."""

    @property
    def now(self) -> int:
        """The one time of this transaction, in milliseconds since 1970-01-01 UTC."""
        ...

    @property
    def alone(self) -> bool:
        """True when no other unit of work runs at the same time: only then may this one decide anything.

        One that has to, and is not alone, raises MustBeAloneError. Always true where there is one writer (SQLite).
        """
        ...

    @property
    def inventory(self) -> Inventory:
        """The instances."""
        ...

    @property
    def deployments(self) -> Deployments:
        """The deployments."""
        ...

    @property
    def targets(self) -> Targets:
        """The targets of the deployments."""
        ...

    @property
    def convergences(self) -> Convergences:
        """The instances that returned after the end."""
        ...

    @property
    def heirs(self) -> Heirs:
        """The instances that were given a state by inheritance."""
        ...

    @property
    def events(self) -> Events:
        """The event log."""
        ...

    @property
    def keys(self) -> Keys:
        """Idempotency keys and notes."""
        ...

    @property
    def last_seen(self) -> LastSeen:
        """The last-seen times of the instances."""
        ...


class Store(Protocol):
    """Runs units of work, and tells followers what they changed."""

    @property
    def clock(self) -> Clock:
        """The clock whose time units of work have: that of the database where several coordinators share one."""
        ...

    @property
    def shared(self) -> bool:
        """True when other coordinators may be at work on the same database."""
        ...

    @property
    def behind(self) -> float:
        """How many seconds ago a follower was last known to be told everything that others had committed.

        0.0 where nobody else writes (SQLite).
        """
        ...

    @property
    def writers(self) -> Sequence[WriterStatistics]:
        """What each thread that writes has done; none where no thread does (in simulations)."""
        ...

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run a unit of work that only reads, on one consistent snapshot; UnavailableError without a database."""
        ...

    async def write(self, work: Callable[[Transaction], T], *, alone: bool = True) -> T:
        """Run a unit of work atomically; what it wrote is durable when this returns.

        With `alone` no other unit of work runs at the same time, on any coordinator. Without it others that are not
        alone either may; should this one raise MustBeAloneError, all it did is undone, and it is run again, alone.

        An error that it raises undoes all it did, and reaches the caller. So does StaleError: with a single writer, as
        in SQLite, nobody else can have been faster.
        Raises UnavailableError when the database cannot be reached; then nothing was accepted.
        """
        ...

    async def follow(self, follower: Callable[[Changes], None]) -> None:
        """Tell a follower of every instance there is, before this returns, and of every change from now on.

        It is called on the event loop of whoever called this, in pieces of some thousands at first. What a unit of
        work changed is told before its `write` returns, what other coordinators changed soon after they committed.
        Raises UnavailableError when the database cannot be reached; then the follower is told nothing more.
        """
        ...

    async def backup(self, file: Path) -> None:
        """Write a consistent copy while the store is in use."""
        ...

    async def close(self) -> None:
        """Finish what was accepted and release the database."""
        ...
