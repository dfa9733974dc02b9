"""Two coordinators on one PostgreSQL database take the reports of one agent, and of two that share its name."""

from collections.abc import AsyncIterator

import pytest

from dides.coordinator.settings import Settings
from dides.store.postgres.store import PostgresStore
from support.app import App, running_on, until
from support.postgres_server import the_server

SETTINGS = Settings(reconcile_interval=0, heartbeat_interval=1.0, time_to_live=60.0)
HEALTHY, FAILED = {"code_version": "1", "status": 1}, {"code_version": "1", "status": 3}


@pytest.fixture
async def one(database: str) -> AsyncIterator[App]:
    async with running_on(PostgresStore(the_server().url(database)), settings=SETTINGS) as app:
        yield app


@pytest.fixture
async def other(database: str) -> AsyncIterator[App]:
    async with running_on(PostgresStore(the_server().url(database)), settings=SETTINGS) as app:
        yield app


async def until_known(app: App, session: str, sequence: int) -> None:
    """Wait until a coordinator knows which report of which session was stored last."""

    def is_known() -> bool:
        summary = app.coordinator.instance_cache.get("web-1")
        return summary is not None and (summary.session, summary.sequence) == (session, sequence)

    await until(is_known)


async def test_a_report_that_comes_late_to_another_coordinator_changes_nothing(one: App, other: App) -> None:
    own = await one.register("web-1")
    await one.beat("web-1", own, **HEALTHY, session="a", sequence=1)
    await one.beat("web-1", own, **{**HEALTHY, "code_version": "2"}, session="a", sequence=3)
    await until_known(other, "a", 3)
    await other.beat("web-1", own, **FAILED, session="a", sequence=2)
    shown = await other.get("/inventory/instances/web-1")
    assert (shown["status"], shown["current"]["code_version"]) == (1, "2")


async def test_agents_of_one_name_at_two_coordinators_are_duplicated(one: App, other: App) -> None:
    own = await one.register("web-1")
    await one.beat("web-1", own, **HEALTHY, session="first", sequence=1)
    for number in range(1, 5):
        await other.beat("web-1", own, **HEALTHY, session="second", sequence=number)
        await other.coordinator.watch.flush()
        await one.coordinator.watch.flush()
        await one.beat("web-1", own, **HEALTHY, session="first", sequence=1 + number)
    for app in (one, other):
        assert (await app.get("/inventory/instances?duplicated=true"))["count"] == 1
    await until(lambda: other.coordinator.instance_cache.duplicated(other.coordinator.now()) == ["web-1"])
