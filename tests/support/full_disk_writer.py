"""Run as a program: writes through a store on a disk that is full for a while, and prints what became of each write."""

import asyncio
import resource
import sys
from pathlib import Path

from dides.model.errors import UnavailableError
from dides.runtime.clock import SystemClock
from dides.store.sqlite.store import SqliteStore
from support.durable_writer import add_pair


async def main(file: Path) -> None:
    """Write with room, without, and with room again."""
    store = SqliteStore(file, SystemClock())
    for name in ("before", "full", "after"):
        # No file may grow beyond what the log has now: to SQLite that is a disk that is full at the commit.
        written = file.with_name(file.name + "-wal").stat().st_size
        limit = written if name == "full" else resource.RLIM_INFINITY
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        for number, outcome in enumerate(await write_some(store, name)):
            sys.stdout.write(f"{name}-{number} {outcome}\n")
    await store.close()


async def write_some(store: SqliteStore, prefix: str) -> list[str]:
    """Write five pairs together and return for each "stored" or "unavailable"."""

    async def write(name: str) -> str:
        try:
            await store.write(lambda tx: add_pair(tx, name))
        except UnavailableError:
            return "unavailable"
        return "stored"

    return await asyncio.gather(*(write(f"{prefix}-{number}") for number in range(5)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
