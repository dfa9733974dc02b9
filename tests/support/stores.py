"""The stores that the contract suite runs against, and what their tests store. One more store is one more entry."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from dides.model.deployment import Deployment, Kind, Timers
from dides.model.instance import Instance
from dides.model.policy import Ordering, Policy
from dides.model.state import State, Status
from dides.runtime.clock import Clock
from dides.store.interface import Store, Transaction
from dides.store.records import NewDeployment, NewTarget
from support.clocks import MONDAY
from support.postgres import open_postgresql
from support.sqlite import sqlite_store

Opener = Callable[[Path, Clock], Store]
"""Opens a store whose data live in a directory; opening the same directory again finds them again."""


def open_sqlite(directory: Path, clock: Clock) -> Store:
    """Open SQLite on a file of the directory."""
    return sqlite_store(directory / "dides.db", clock, synchronous="FULL")


OPENERS: dict[str, Opener] = {"postgresql": open_postgresql, "sqlite": open_sqlite}
V1, V2 = State("1.0.0", "a"), State("2.0.0", "b")
POLICY = Policy(
    batch_size="25%",
    failure_threshold=2,
    waves=(1, "10%"),
    wave_pause="manual",
    min_healthy_time=1.5,
    update_timeout=60.5,
    deadline=3600,
    max_unavailable="30%",
    spread_by="zone",
    retries=2,
    order=Ordering.SHUFFLE,
    auto_rollback=False,
)
"""No field as it is by default."""


def credential(name: str) -> bytes:
    """Return the hash that stands for an instance's credential."""
    return b"credential of " + name.encode()


def an_instance(name: str = "web-1", **fields: object) -> Instance:
    """Return an instance that is not stored yet, HEALTHY at V1 unless told otherwise."""
    usual = Instance(
        id=0,
        name=name,
        ip="192.0.2.1",
        labels={"env": "prod"},
        registered_at=MONDAY,
        status=Status.HEALTHY,
        current=V1,
        last_heartbeat_at=MONDAY,
    )
    return msgspec.structs.replace(usual, **fields)


def add(tx: Transaction, *names: str, **fields: object) -> list[Instance]:
    """Store instances of these names."""
    return [tx.inventory.add(an_instance(name, **fields), credential(name)) for name in names]


def a_deployment(kind: Kind = Kind.DEPLOY, **fields: object) -> NewDeployment:
    """Return a deployment of V2 that is not stored yet."""
    usual = NewDeployment(
        kind=kind,
        to=V2,
        labels={"env": "prod"},
        selector="role in (web,api)",
        policy=POLICY,
        window=3,
        waves=(1, 5),
        share=2,
        max_unavailable=4,
        unavailable=1,
        spread={"a": 0, "b": 0},
        timers=Timers(deadline_at=MONDAY + 3_600_000),
        total=0,
        created_at=MONDAY,
        created_by="operator",
    )
    return msgspec.structs.replace(usual, **fields)


def create(tx: Transaction, new: NewDeployment, targets: Sequence[NewTarget] = ()) -> Deployment:
    """Store a deployment with its targets."""
    deployment = tx.deployments.create(msgspec.structs.replace(new, total=len(targets)))
    tx.targets.create(deployment.id, targets)
    return deployment


def deploy(tx: Transaction, *names: str) -> Deployment:
    """Store instances of these names, and a deployment of V2 over them in this order."""
    targets = [NewTarget(each.id, each.name, V2, each.current) for each in add(tx, *names)]
    return create(tx, a_deployment(), targets)
