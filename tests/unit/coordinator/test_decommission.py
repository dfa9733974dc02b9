"""Decommissioning: an unfinished target leaves the deployment, a finished one stays."""

import pytest

from dides.coordinator.loops.retention import DAY_MS, forget
from dides.model.deployment import DeploymentStatus
from dides.model.errors import ConflictError, NotFoundError
from dides.model.state import Status
from support.hand_fleet import SETTINGS, V1, V2, Fleet


async def test_an_instance_that_does_not_exist_cannot_be_removed(fleet: Fleet) -> None:
    with pytest.raises(NotFoundError):
        await fleet.decommission("a")


async def test_it_is_gone_and_its_credential_remembered_for_a_while(fleet: Fleet) -> None:
    credential = fleet.credential("a").encode()
    await fleet.running("a")
    assert not await fleet.decommission("a")
    with pytest.raises(NotFoundError):
        await fleet.instance("a")
    assert "a" not in (await fleet.report("a", Status.HEALTHY, V1)).instances
    assert await fleet.store.read(lambda tx: tx.inventory.decommissioned(credential)) == "a"
    fleet.clock.advance(SETTINGS.keep_events_days * DAY_MS / 1000 + 1)
    await fleet.run(lambda tx: forget(tx, SETTINGS))
    assert await fleet.store.read(lambda tx: tx.inventory.decommissioned(credential)) is None


async def test_a_pending_target_leaves_the_total(fleet: Fleet) -> None:
    await fleet.running("a", "b", "c")
    deployment = await fleet.trigger()
    assert await fleet.decommission("b"), "a step is due: it may have been the last"
    assert (await fleet.in_flight()).counts.total == 2
    assert set(await fleet.states(deployment)) == {"a", "c"}
    assert [each.instance for each in await fleet.events("target.withdrawn")] == ["b"]


async def test_a_put_off_target_leaves_the_total(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await fleet.silence("a")
    await fleet.trigger()
    await fleet.decommission("a")
    counts = (await fleet.in_flight()).counts
    assert (counts.total, counts.pending, counts.deferred) == (1, 0, 0)


async def test_an_updating_target_is_refused(fleet: Fleet) -> None:
    await fleet.running("a")
    deployment = await fleet.trigger()
    with pytest.raises(ConflictError, match="force"):
        await fleet.decommission("a")
    assert await fleet.states(deployment) == {"a": "updating"}
    assert (await fleet.instance("a")).desired == V2


async def test_unless_it_is_forced_then_its_slot_is_free(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    deployment = await fleet.trigger()
    assert await fleet.decommission("a", force=True)
    await fleet.step()
    assert await fleet.states(deployment) == {"b": "updating"}


async def test_a_silent_one_that_is_updating_is_refused_too(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.trigger()
    await fleet.silence("a")
    with pytest.raises(ConflictError):
        await fleet.decommission("a")


async def test_a_failed_target_stays_so_that_the_failure_is_not_forgotten(fleet: Fleet) -> None:
    await fleet.running("a", "b", "c")
    deployment = await fleet.trigger(failure_threshold=2)
    await fleet.fail("a")
    await fleet.step()
    await fleet.decommission("a")
    assert (await fleet.in_flight()).counts.failed == 1
    await fleet.fail("b")
    tripped = await fleet.step()
    assert tripped.status is DeploymentStatus.FAILED
    assert (await fleet.target(deployment, "a")).instance_id is None


async def test_a_succeeded_target_stays_too(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await fleet.trigger()
    await fleet.arrive("a")
    await fleet.step()
    await fleet.decommission("a")
    await fleet.arrive("b")
    assert (await fleet.step()).reason == "2 of 2 at the target"


async def test_the_verdict_on_a_marked_one_that_is_gone_still_counts(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await fleet.trigger(auto_rollback=False)
    await fleet.arrive("a")
    await fleet.step()
    await fleet.fail("a")
    await fleet.decommission("a")
    assert (await fleet.step()).status is DeploymentStatus.FAILED


async def test_with_every_target_gone_the_deployment_fails(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.trigger()
    await fleet.decommission("a", force=True)
    deployment = await fleet.step()
    assert deployment.status is DeploymentStatus.FAILED
    assert deployment.counts.total == 0
    assert "decommissioned" in deployment.reason


async def test_in_a_rollback_it_leaves_the_total_too(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await fleet.trigger(batch_size=2)
    rollback = await fleet.roll_back()
    await fleet.decommission("a", force=True)
    assert set(await fleet.states(rollback)) == {"b"}


async def test_the_name_can_be_used_again_by_a_new_instance_that_joins(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    deployment = await fleet.trigger()
    await fleet.arrive("a")
    await fleet.step()
    await fleet.decommission("a")
    fleet.clock.advance(1)
    joined = await fleet.register("a")
    assert (joined.created, joined.step_due) == (True, True)
    every = [(each.instance, each.state.value) for each in await fleet.targets(deployment)]
    assert every == [("a", "succeeded"), ("b", "updating"), ("a", "pending")]
