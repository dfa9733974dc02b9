"""The heartbeat as a good engineer would write it on the first day: FastAPI, SQLAlchemy's ORM, aiosqlite, SQLite.

The same checks and the same answer as dides: a bearer credential of which the hash is stored, typed fields, unknown
ones refused, versions and status stored before the answer, the desired state in it. `--journal wal` is the second day:
write-ahead log. A commit is flushed in both, as in dides; the pool is SQLAlchemy's own (one of a single connection
came out the same).
"""

import argparse
import hashlib
import hmac
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import event, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from load.fleet import VERSION, Fleet
from peers.serving import serve

HEARTBEAT_INTERVAL = 10.0
LOCK_SECONDS = 30


class Base(DeclarativeBase):
    """The tables."""


class Instance(Base):
    """A registered instance."""

    __tablename__ = "instances"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    credential_hash: Mapped[bytes]
    status: Mapped[int]
    message: Mapped[str] = mapped_column(default="")
    code_version: Mapped[str | None]
    configuration_version: Mapped[str | None]
    desired_code: Mapped[str | None]
    desired_configuration: Mapped[str | None]
    generation: Mapped[int] = mapped_column(default=0)
    deployment_id: Mapped[int | None]
    last_heartbeat_at: Mapped[int | None]


class Heartbeat(BaseModel):
    """What an instance reports; any subset."""

    model_config = ConfigDict(extra="forbid")
    code_version: str | None = Field(None, max_length=128)
    configuration_version: str | None = Field(None, max_length=128)
    status: int | None = Field(None, ge=0, le=3)
    observed: int | None = Field(None, ge=0)
    message: str = Field("", max_length=2000)


class State(BaseModel):
    """Two versions."""

    code_version: str | None
    configuration_version: str | None


class Directive(BaseModel):
    """What the instance should be."""

    name: str
    desired: State | None
    generation: int
    deployment_id: int | None
    update_needed: bool
    heartbeat_interval: float = HEARTBEAT_INTERVAL


def create_app(database: str, journal: str) -> FastAPI:
    """Return the application."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{database}", connect_args={"timeout": LOCK_SECONDS})

    @event.listens_for(engine.sync_engine, "connect")
    def _configure(connection: Any, _: Any) -> None:
        connection.execute(f"PRAGMA journal_mode = {journal}")
        connection.execute("PRAGMA synchronous = FULL")

    sessions = async_sessionmaker(engine, expire_on_commit=False)

    async def session() -> AsyncIterator[AsyncSession]:
        async with sessions() as opened:
            yield opened

    app = FastAPI()

    @app.patch("/inventory/instances/{name}")
    async def heartbeat(
        name: str,
        said: Heartbeat,
        credentials: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())],
        database: Annotated[AsyncSession, Depends(session)],
    ) -> Directive:
        instance = await database.scalar(select(Instance).where(Instance.name == name))
        if instance is None:
            raise HTTPException(404)
        presented = hashlib.sha256(credentials.credentials.encode()).digest()
        if not hmac.compare_digest(presented, instance.credential_hash):
            raise HTTPException(403)
        take(instance, said)
        await database.commit()
        return directive_of(instance)

    return app


def take(instance: Instance, said: Heartbeat) -> None:
    """Store what was said, and when."""
    for field in said.model_fields_set - {"observed"}:
        setattr(instance, field, getattr(said, field))
    instance.last_heartbeat_at = round(time.time() * 1000)


def directive_of(instance: Instance) -> Directive:
    """Return what the instance should be."""
    desired = State(code_version=instance.desired_code, configuration_version=instance.desired_configuration)
    pairs = (
        (desired.code_version, instance.code_version),
        (desired.configuration_version, instance.configuration_version),
    )
    return Directive(
        name=instance.name,
        desired=desired if any(wanted is not None for wanted, _ in pairs) else None,
        generation=instance.generation,
        deployment_id=instance.deployment_id,
        update_needed=any(wanted not in (None, current) for wanted, current in pairs),
    )


def fill(database: Path, fleet: Fleet) -> None:
    """Register the fleet."""
    engine = sqlalchemy.create_engine(f"sqlite:///{database}")
    Base.metadata.create_all(engine)
    rows = [
        {
            "name": fleet.name(number),
            "credential_hash": hashlib.sha256(fleet.credential(number).encode()).digest(),
            "status": 1,
            "code_version": VERSION,
        }
        for number in range(fleet.size)
    ]
    with engine.begin() as connection:
        connection.execute(sqlalchemy.insert(Instance), rows)
    engine.dispose()


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", type=Path, required=True)
    parser.add_argument("--instances", type=int, required=True)
    parser.add_argument("--journal", choices=("delete", "wal"), default="delete")
    arguments = parser.parse_args()
    fill(arguments.database, Fleet(arguments.instances))
    serve(create_app(str(arguments.database), arguments.journal))


if __name__ == "__main__":
    main()
