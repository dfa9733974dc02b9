"""Run as a program: writes pairs of instances through a store, a few at a time, and prints each pair acknowledged."""

import asyncio
import itertools
import os
import sys
from functools import partial
from pathlib import Path

from dides.model.instance import Instance
from dides.runtime.clock import SystemClock
from dides.store.interface import Transaction
from dides.store.sqlite.store import SqliteStore

AT_ONCE = 8


async def write_for_ever(file: Path, prefix: str) -> None:
    """Write until somebody kills this process."""
    store = SqliteStore(file, SystemClock())
    names = (f"{prefix}-{number}" for number in itertools.count())

    async def write() -> None:
        for name in names:
            await store.write(partial(add_pair, name=name))
            os.write(1, f"{name}\n".encode())

    await asyncio.gather(*(write() for _ in range(AT_ONCE)))


def add_pair(tx: Transaction, name: str) -> None:
    """Add two instances: a transaction of which one half survives is torn."""
    for side in ("left", "right"):
        instance = Instance(id=0, name=f"{name}.{side}", ip="192.0.2.1", labels={"side": side}, registered_at=tx.now)
        tx.inventory.add(instance, instance.name.encode())


if __name__ == "__main__":
    asyncio.run(write_for_ever(Path(sys.argv[1]), sys.argv[2]))
