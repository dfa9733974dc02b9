"""A report that was acknowledged counts, whatever an operator does before the next step."""

import pytest

from dides.model.deployment import DeploymentStatus, TargetState
from dides.model.errors import ConflictError
from dides.model.state import Status
from support.hand_fleet import V2, Fleet


async def test_a_failure_counts_in_an_abort(fleet: Fleet) -> None:
    await fleet.running("a")
    deployment = await fleet.trigger(V2)
    await fleet.fail("a")
    await fleet.abort()
    assert await fleet.states(deployment) == {"a": "failed: reported FAILED"}


async def test_a_success_counts_in_an_abort(fleet: Fleet) -> None:
    await fleet.running("a")
    deployment = await fleet.trigger(V2)
    await fleet.arrive("a")
    await fleet.abort()
    assert await fleet.states(deployment) == {"a": "succeeded"}
    assert (await fleet.instance("a")).last_good == V2


async def test_a_failure_counts_in_a_forced_decommission(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await fleet.trigger(V2)
    await fleet.fail("a")
    await fleet.decommission("a", force=True)
    assert (await fleet.step()).status is DeploymentStatus.FAILED


async def test_an_instance_that_has_arrived_may_be_decommissioned_without_force(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await fleet.trigger(V2, batch_size=2)
    await fleet.arrive("a")
    await fleet.decommission("a")
    with pytest.raises(ConflictError, match="being updated"):
        await fleet.decommission("b")


async def test_registering_in_a_rollback_is_a_sign_of_life(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await fleet.trigger(V2, batch_size=2)
    await fleet.arrive("a", "b")
    await fleet.step()
    await fleet.silence("a")
    rollback = await fleet.roll_back()
    await fleet.register("a")
    await fleet.report("a", Status.HEALTHY, V2)
    await fleet.step()
    assert (await fleet.target(rollback, "a")).state is TargetState.UPDATING
