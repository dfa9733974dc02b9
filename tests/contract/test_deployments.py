"""Deployments: one in flight, and nobody overwrites what somebody else has changed since."""

import msgspec
import pytest

from dides.model.deployment import Counts, Deployment, DeploymentStatus, Kind, TargetState
from dides.model.state import NOTHING, State
from dides.store.interface import Store, Transaction
from dides.store.records import NewTarget, StaleError
from support.stores import V1, V2, a_deployment, add, create, deploy


def end(tx: Transaction, deployment: Deployment, status: DeploymentStatus, **fields: object) -> Deployment:
    return tx.deployments.save(msgspec.structs.replace(deployment, status=status, finished_at=5, **fields))


def ended(
    tx: Transaction,
    status: DeploymentStatus,
    kind: Kind = Kind.DEPLOY,
    *,
    withdrawn: bool = False,
    **new: object,
) -> Deployment:
    return end(tx, create(tx, a_deployment(kind, **new)), status, withdrawn=withdrawn)


async def test_a_created_deployment_comes_back_whole_and_in_flight(store: Store) -> None:
    created = await store.write(lambda tx: deploy(tx, "web-1", "web-2"))
    given = msgspec.structs.asdict(a_deployment())
    counts = Counts(total=2, pending=2, unavailable=given.pop("unavailable"))
    del given["total"]
    expected = Deployment(id=created.id, status=DeploymentStatus.RUNNING, counts=counts, **given)
    assert created == expected
    assert await store.read(lambda tx: tx.deployments.get(created.id)) == created
    assert await store.read(lambda tx: tx.deployments.in_flight()) == created
    assert await store.read(lambda tx: tx.deployments.get(created.id + 1)) is None


async def test_its_targets_are_pending_in_the_order_given(store: Store) -> None:
    def made(tx: Transaction) -> Deployment:
        one, two = add(tx, "web-1", "web-2")
        targets = [NewTarget(two.id, two.name, V2, V1), NewTarget(one.id, one.name, State("3"), NOTHING)]
        return create(tx, a_deployment(), targets)

    created = await store.write(made)
    first, second = await store.read(lambda tx: tx.targets.page(created.id, None, 0, 10))
    assert (first.instance, first.position, first.to, first.before) == ("web-2", 1, V2, V1)
    assert (second.instance, second.position, second.to, second.before) == ("web-1", 2, State("3"), NOTHING)
    assert {first.state, second.state} == {TargetState.PENDING}
    assert (first.assigned_at, first.generation, first.attempt, first.report) == (None, 0, 0, None)


async def test_more_targets_than_a_statement_takes_are_all_created(store: Store) -> None:
    def made(tx: Transaction) -> list[str]:
        targets = [NewTarget(number, f"web-{number}", V2, V1) for number in range(1, 12_001)]
        deployment = create(tx, a_deployment(), targets)
        assert len(tx.targets.of(deployment.id, range(1, 12_001))) == 12_000
        return [each.instance for each in tx.targets.page(deployment.id, None, 11_998, 10)]

    assert await store.write(made) == ["web-11999", "web-12000"]


@pytest.mark.parametrize("status", [DeploymentStatus.RUNNING, DeploymentStatus.PAUSED])
async def test_a_second_one_in_flight_is_refused_though_nobody_asked(store: Store, status: DeploymentStatus) -> None:
    def made(tx: Transaction) -> Deployment:
        first = create(tx, a_deployment())
        return tx.deployments.save(msgspec.structs.replace(first, status=status))

    first = await store.write(made)
    with pytest.raises(StaleError):
        await store.write(lambda tx: create(tx, a_deployment(Kind.ROLLBACK)))
    assert await store.read(lambda tx: tx.deployments.in_flight()) == first
    assert await store.read(lambda tx: tx.deployments.page(None, None, 10)) == [first]


@pytest.mark.parametrize("status", [DeploymentStatus.COMPLETED, DeploymentStatus.FAILED, DeploymentStatus.ABORTED])
async def test_the_next_one_may_start_once_the_first_has_ended(store: Store, status: DeploymentStatus) -> None:
    def end_and_start(tx: Transaction) -> tuple[Deployment, Deployment]:
        first = ended(tx, status)
        assert tx.deployments.in_flight() is None
        return first, create(tx, a_deployment())

    first, second = await store.write(end_and_start)
    assert second.id > first.id
    assert await store.read(lambda tx: tx.deployments.in_flight()) == second


async def test_saving_writes_what_may_change(store: Store) -> None:
    created = await store.write(lambda tx: deploy(tx, "web-1"))
    changed = msgspec.structs.replace(
        created,
        status=DeploymentStatus.PAUSED,
        reason="because",
        counts=Counts(total=9, pending=1, updating=2, succeeded=3, failed=1, skipped=2, already=1, deferred=1),
        rolled_back_by=77,
        paused_at=11,
        resumed_at=13,
        finished_at=12,
    )
    saved = await store.write(lambda tx: tx.deployments.save(changed))
    assert saved == msgspec.structs.replace(changed, revision=created.revision + 1)
    assert await store.read(lambda tx: tx.deployments.get(created.id)) == saved


async def test_a_stale_revision_is_refused_and_undone(store: Store) -> None:
    created = await store.write(lambda tx: deploy(tx, "web-1"))
    newer = await store.write(lambda tx: tx.deployments.save(msgspec.structs.replace(created, reason="first")))

    def relabel_and_save(tx: Transaction) -> None:
        add(tx, "web-2")
        tx.deployments.save(msgspec.structs.replace(created, reason="second"))

    with pytest.raises(StaleError):
        await store.write(relabel_and_save)
    assert await store.read(lambda tx: tx.deployments.get(created.id)) == newer
    assert await store.read(lambda tx: tx.inventory.get("web-2")) is None


async def test_saving_one_that_never_was_is_stale(store: Store) -> None:
    created = await store.write(lambda tx: deploy(tx, "web-1"))
    with pytest.raises(StaleError):
        await store.write(lambda tx: tx.deployments.save(msgspec.structs.replace(created, id=created.id + 1)))


async def test_the_newest_of_a_kind(store: Store) -> None:
    def made(tx: Transaction) -> list[Deployment]:
        assert tx.deployments.newest(Kind.DEPLOY) is None
        kinds = [Kind.DEPLOY, Kind.ROLLBACK, Kind.DEPLOY, Kind.ROLLBACK]
        return [ended(tx, DeploymentStatus.FAILED, kind) for kind in kinds]

    created = await store.write(made)
    assert await store.read(lambda tx: tx.deployments.newest(Kind.DEPLOY)) == created[2]
    assert await store.read(lambda tx: tx.deployments.newest(Kind.ROLLBACK)) == created[3]


async def test_pages_go_back_in_time(store: Store) -> None:
    def made(tx: Transaction) -> list[int]:
        statuses = [DeploymentStatus.COMPLETED, DeploymentStatus.FAILED] * 3
        return [ended(tx, status).id for status in statuses]

    ids = await store.write(made)
    newest_first = ids[::-1]
    page = await store.read(lambda tx: tx.deployments.page(None, None, 4))
    assert [each.id for each in page] == newest_first[:4]
    rest = await store.read(lambda tx: tx.deployments.page(None, page[-1].id, 4))
    assert [each.id for each in rest] == newest_first[4:]
    failed = await store.read(lambda tx: tx.deployments.page(DeploymentStatus.FAILED, None, 4))
    assert [each.id for each in failed] == newest_first[::2]


async def test_of_completed_deployments_that_are_alike_the_newest_is_given(store: Store) -> None:
    def made(tx: Transaction) -> list[int]:
        ended(tx, DeploymentStatus.FAILED)
        ended(tx, DeploymentStatus.COMPLETED)
        kept = [
            ended(tx, DeploymentStatus.COMPLETED).id,
            ended(tx, DeploymentStatus.COMPLETED, Kind.ROLLBACK).id,
            ended(tx, DeploymentStatus.COMPLETED, withdrawn=True).id,
            ended(tx, DeploymentStatus.COMPLETED, labels={"env": "other"}).id,
            ended(tx, DeploymentStatus.COMPLETED, selector="role in (web)").id,
            ended(tx, DeploymentStatus.COMPLETED, to=State("3")).id,
            ended(tx, DeploymentStatus.COMPLETED, to=State(None, "c")).id,
        ]
        ended(tx, DeploymentStatus.ABORTED)
        create(tx, a_deployment())
        return kept

    kept = await store.write(made)
    assert await store.read(lambda tx: [each.id for each in tx.deployments.newest_completed()]) == kept[::-1]
