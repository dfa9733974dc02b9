"""The machine of the database is lost and its standby takes over while rollouts run: nothing else has to be done."""

import asyncio
from pathlib import Path

import pytest

from dides.client.errors import RefusedError, UnreachableError
from dides.client.instance import InstanceClient
from dides.client.operator import OperatorClient
from dides.model.state import Status
from dides.protocol.messages import Heartbeat, InstanceSpec
from dides.runtime.datadir import REGISTRATION_FILE
from support.coordinators import Coordinators, coordinators
from support.postgres import statement
from support.postgres_copies import Primary, Standby
from support.processes import until, until_async
from support.raw_instance import Gauge
from support.rollouts import INSTANCES, WINDOW, Rollouts, check, fleet, operators, stopped

QUICK = ("--heartbeat-interval", "0.5", "--time-to-live", "5", "--reconcile-interval", "0.5")
HAS_ALL = "SELECT replay_lsn >= pg_current_wal_lsn() FROM pg_stat_replication"


@pytest.fixture
def primary() -> Primary:
    """The coordinators remove it, and its standby."""
    return Primary()


@pytest.fixture
def standby(primary: Primary) -> Standby:
    return Standby(primary)


async def test_rollouts_go_on_over_the_loss_of_the_primary(tmp_path: Path, primary: Primary, standby: Standby) -> None:
    """Commits are waited for until the standby has them, so that nothing that was answered is lost."""
    primary.await_standby()
    gauge = Gauge()
    async with (
        coordinators(tmp_path, *QUICK, servers=(primary, standby)) as several,
        fleet(several, gauge) as instances,
        operators(several) as clients,
    ):
        rollouts = Rollouts(clients)
        rolling = asyncio.create_task(rollouts.run())
        watching = asyncio.create_task(rollouts.watch())
        await rollouts.progress()
        in_flight = await half_way(clients[0], rollouts)
        primary.kill()
        await asyncio.to_thread(standby.promote)
        await rollouts.progress()
        rollouts.enough = True
        await rolling
        await stopped(watching)
        assert in_flight in {each.id for each in rollouts.finished}
        await check(clients, rollouts, instances)
    assert gauge.most == WINDOW


async def half_way(client: OperatorClient, rollouts: Rollouts) -> int:
    """Wait until some targets of a rollout have succeeded, some are updating and some are pending; return its id."""

    async def look() -> tuple[int, int, int]:
        deployment = await client.deployment(rollouts.told)
        return deployment.id, deployment.progress.succeeded, deployment.progress.updating

    found = await until_async(look, lambda seen: seen[1] > 0 and seen[2] > 0 and seen[1] + seen[2] < INSTANCES)
    return found[0]


async def test_what_the_standby_has_not_got_no_coordinator_goes_on_with(
    tmp_path: Path, primary: Primary, standby: Standby
) -> None:
    """The standby is not waited for, and lags behind: an instance has never registered there."""
    async with (
        coordinators(tmp_path, *QUICK, servers=(primary, standby)) as several,
        operators(several) as clients,
        InstanceClient(several.urls[0]) as kept,
        InstanceClient(several.urls[1]) as lost,
    ):
        await register(kept, "kept", several)
        await until(lambda: statement(primary, HAS_ALL) == [(True,)])
        standby.stop()
        await register(lost, "lost", several)
        for client in clients:
            await until_async(client.count, lambda count: count == 2)
        primary.kill()
        await asyncio.to_thread(standby.start)
        await asyncio.to_thread(standby.promote)
        await until_async(lambda: refused(lost, "lost"), lambda status: status is not None and status != 503)
        assert await refused(lost, "lost") in (401, 404)
        assert await refused(kept, "kept") is None
        await register(lost, "lost", several)
        for client in clients:
            assert await client.count() == 2


async def register(client: InstanceClient, name: str, several: Coordinators) -> None:
    spec = InstanceSpec(name=name, ip="192.0.2.1", labels={"env": "test"})
    client.credential = (await client.register(spec, several.token(REGISTRATION_FILE))).credential
    await client.heartbeat(name, Heartbeat(status=Status.HEALTHY, code_version="0"))


async def refused(client: InstanceClient, name: str) -> int | None:
    """Return the status with which a heartbeat is refused (503 where nobody answers), None when it is not."""
    try:
        await client.heartbeat(name, Heartbeat(status=Status.HEALTHY, code_version="0"))
    except RefusedError as error:
        return error.status
    except UnreachableError:
        return 503
    return None
