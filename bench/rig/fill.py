"""Registers a fleet by writing it into the database: a million registrations over HTTP would take hours.

It goes through the store's own tables and rows, many at a time; `Inventory.add` takes 0.4 ms for each instance.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, func, insert, select

from dides.coordinator.credentials import hash_of
from dides.model.instance import Instance
from dides.model.state import State, Status
from dides.runtime.clock import SystemClock
from dides.store.open import open_store
from dides.store.sql.instance_columns import instance_columns
from dides.store.sql.tables import instance_labels, instances
from load.fleet import VERSION, Fleet

PIECE = 10_000


async def fill(database: str, fleet: Fleet, rolling: int = 0) -> None:
    """Create the database that a URL names, with every instance of the fleet HEALTHY at the first version.

    The first `rolling` instances are labelled role=rolling, the others role=steady, and all env=bench.
    """
    await open_store(database, SystemClock()).close()  # which creates the tables
    engine = create_engine(driven(database))
    try:
        with engine.begin() as connection:
            _insert_all(connection, fleet, rolling)
        _check(engine, fleet)
    finally:
        engine.dispose()


def driven(database: str) -> str:
    """Return the URL as SQLAlchemy wants it: with the driver that dides uses."""
    return database.replace("postgresql://", "postgresql+psycopg://", 1)


def labels_of(number: int, rolling: int) -> Mapping[str, str]:
    """Return the labels of an instance."""
    return {"env": "bench", "role": "rolling" if number < rolling else "steady"}


def _insert_all(connection: Connection, fleet: Fleet, rolling: int) -> None:
    rows = _rows(fleet, rolling, SystemClock().now())
    while piece := list(islice(rows, PIECE)):
        connection.execute(insert(instances), piece)
    ids = connection.execute(select(instances.c.id).order_by(instances.c.name)).scalars().all()
    marks = (
        {"instance_id": each, "key": key, "value": value}
        for number, each in enumerate(ids)
        for key, value in labels_of(number, rolling).items()
    )
    while piece := list(islice(marks, PIECE)):
        connection.execute(insert(instance_labels), piece)


def _rows(fleet: Fleet, rolling: int, now: int) -> Iterator[dict[str, Any]]:
    for number in range(fleet.size):
        instance = Instance(
            id=0,
            name=fleet.name(number),
            ip="10.0.0.1",
            labels=labels_of(number, rolling),
            registered_at=now,
            status=Status.HEALTHY,
            current=State(VERSION),
            last_good=State(VERSION),
            last_heartbeat_at=now,
        )
        yield {"credential_hash": hash_of(fleet.credential(number)), **instance_columns(instance)}


def _check(engine: Engine, fleet: Fleet) -> None:
    with engine.connect() as connection:
        found = connection.execute(select(func.count()).select_from(instances)).scalar_one()
    assert found == fleet.size, f"{found} of {fleet.size} instances are in the database"
