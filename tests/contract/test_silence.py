"""Who is silent, for whom no version is to blame: counted in the same way by every store."""

from functools import partial

import msgspec

from dides.model.deployment import Deployment, Outage, TargetState
from dides.model.plan import Assignment, Settled
from dides.store.interface import Store, Transaction
from support.clocks import MONDAY
from support.stores import V1, V2, add, deploy

MINUTE = 60_000


def start(tx: Transaction, deployment: Deployment, *names: str) -> None:
    """Let targets be updating."""
    begun = [target for target in tx.targets.page(deployment.id, None, 0, 100) if target.instance in names]
    assigned = [
        Assignment(
            target=target,
            state=TargetState.UPDATING,
            desired=V2,
            before=V1,
            last_good=V1,
            earlier=None,
            reason="",
            deadline_at=MONDAY + MINUTE,
            failure_is_news=True,
        )
        for target in begun
    ]
    tx.targets.assign(assigned, {target.instance_id: 1 for target in begun if target.instance_id}, MONDAY)


def succeed(tx: Transaction, deployment: Deployment, name: str, at: int) -> None:
    (target,) = [target for target in tx.targets.page(deployment.id, None, 0, 100) if target.instance == name]
    tx.targets.settle([Settled(target=target, state=TargetState.SUCCEEDED)], at)


async def test_the_reachable_and_those_heard_of_after_a_moment_are_counted(store: Store) -> None:
    def silence(tx: Transaction) -> tuple[int, int, int | None]:
        deployment = deploy(tx, "web-1", "web-2")
        add(tx, "new", reachable=False, last_heartbeat_at=None, registered_at=MONDAY + 3)
        add(tx, "silent", reachable=False, last_heartbeat_at=MONDAY + 5)
        add(tx, "dead", reachable=False, last_heartbeat_at=MONDAY - MINUTE, registered_at=MONDAY - MINUTE)
        return tx.inventory.silence(deployment.id, MONDAY, MONDAY)

    assert await store.write(silence) == (2, 2, MONDAY + 5)


async def test_nobody_is_silent(store: Store) -> None:
    assert await store.write(lambda tx: tx.inventory.silence(1, MONDAY, MONDAY)) == (0, 0, None)


async def test_those_that_the_version_may_have_silenced_are_left_out(store: Store) -> None:
    def silence(tx: Transaction) -> list[tuple[int, int, int | None]]:
        deployment = deploy(tx, "pending", "updating", "young", "old")
        start(tx, deployment, "updating", "young", "old")
        succeed(tx, deployment, "young", MONDAY + 20)
        succeed(tx, deployment, "old", MONDAY + 10)
        return [tx.inventory.silence(deployment.id, MONDAY, after) for after in (MONDAY, MONDAY + 10, MONDAY + 20)]

    assert await store.write(silence) == [(1, 0, None), (2, 0, None), (3, 0, None)]


async def test_an_outage_is_kept(store: Store) -> None:
    def save(tx: Transaction, outage: Outage | None) -> Outage | None:
        deployment = tx.deployments.in_flight() or deploy(tx, "web-1")
        tx.deployments.save(msgspec.structs.replace(deployment, outage=outage))
        kept = tx.deployments.get(deployment.id)
        assert kept
        return kept.outage

    for outage in (Outage(since=MONDAY, base=9), Outage(since=MONDAY, base=9, over=True), None):
        assert await store.write(partial(save, outage=outage)) == outage
