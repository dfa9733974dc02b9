"""What every store guarantees.

A unit of work is an ordinary function of a Transaction. The store runs it in one database transaction, so that what
it reads and what it writes belong together.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from dides.store.repositories import Convergences, Deployments, Events, Inventory, Keys, Targets

T = TypeVar("T")


class Transaction(Protocol):
    """One unit of work's view of the store."""

    @property
    def now(self) -> int:
        """The one time of this transaction, in milliseconds since 1970-01-01 UTC."""
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
    def events(self) -> Events:
        """The event log."""
        ...

    @property
    def keys(self) -> Keys:
        """Idempotency keys and notes."""
        ...


class Store(Protocol):
    """Runs units of work."""

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run a unit of work that only reads, on one consistent snapshot; UnavailableError without a database."""
        ...

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run a unit of work atomically; what it wrote is durable when this returns.

        An error that it raises undoes all it did, and reaches the caller. So does StaleError: with a single writer, as
        in SQLite, nobody else can have been faster.
        Raises UnavailableError when the database cannot be reached; then nothing was accepted.
        """
        ...

    async def backup(self, file: Path) -> None:
        """Write a consistent copy while the store is in use."""
        ...

    async def close(self) -> None:
        """Finish what was accepted and release the database."""
        ...
