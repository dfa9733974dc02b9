"""Rolling back by hand, and where a rollback returns each instance to."""

import pytest

from dides.model.deployment import Deployment, DeploymentStatus, Kind
from dides.model.errors import ConflictError, NotFoundError
from dides.model.state import State, Status
from support.hand_fleet import V1, V2, V3, Fleet


async def completed(fleet: Fleet, to: State, *names: str) -> Deployment:
    """Roll a version out to all, and return the completed deployment."""
    await fleet.trigger(to, batch_size=100)
    await fleet.arrive(*names)
    deployment = await fleet.step()
    assert deployment.status is DeploymentStatus.COMPLETED
    return deployment


async def test_nothing_was_ever_deployed(fleet: Fleet) -> None:
    with pytest.raises(NotFoundError, match="ever deployed"):
        await fleet.roll_back()


async def test_the_newest_deployment_is_undone(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await completed(fleet, V2, "a", "b")
    newest = await completed(fleet, V3, "a", "b")
    rollback = await fleet.roll_back()
    assert (rollback.kind, rollback.rollback_of, rollback.created_by) == (Kind.ROLLBACK, newest.id, "anna")
    assert rollback.to == V2
    await fleet.arrive("a", "b")
    assert (await fleet.step()).status is DeploymentStatus.COMPLETED
    assert [(await fleet.instance(name)).current for name in "ab"] == [V2, V2]
    newest = await fleet.deployment(newest.id)
    assert (newest.status, newest.rolled_back_by) == (DeploymentStatus.COMPLETED, rollback.id)


async def test_an_undone_one_is_not_undone_again(fleet: Fleet) -> None:
    await fleet.running("a")
    await completed(fleet, V2, "a")
    await completed(fleet, V3, "a")
    newest = (await fleet.roll_back()).rollback_of
    await fleet.arrive("a")
    rollback = await fleet.step()
    with pytest.raises(ConflictError, match=f"already been undone by rollback {rollback.id}"):
        await fleet.roll_back(newest)


async def test_a_rollback_in_flight_is_not_rolled_back(fleet: Fleet) -> None:
    await fleet.running("a")
    await completed(fleet, V2, "a")
    rollback = await fleet.roll_back()
    with pytest.raises(ConflictError, match="no rollback of a rollback"):
        await fleet.roll_back()
    assert await fleet.in_flight() == rollback


async def test_what_is_in_flight_is_stopped_and_undone(fleet: Fleet) -> None:
    await fleet.running("a", "b", "c")
    deployment = await fleet.trigger(batch_size=2)
    await fleet.arrive("a")
    rollback = await fleet.roll_back()
    stopped = await fleet.deployment(deployment.id)
    assert stopped.status is DeploymentStatus.ABORTED
    assert "anna" in stopped.reason
    assert rollback.rollback_of == deployment.id
    assert set(await fleet.states(rollback)) == {"a", "b"}, "what was never told has nothing to return from"


async def test_a_failed_one_without_auto_rollback_can_be_undone_by_hand(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await fleet.trigger(auto_rollback=False)
    await fleet.fail("a")
    await fleet.step()
    rollback = await fleet.roll_back()
    await fleet.arrive("a")
    assert (await fleet.step()).status is DeploymentStatus.COMPLETED
    assert (await fleet.instance("a")).current == V1
    assert rollback.counts.total == 1


async def test_it_tells_everyone_anew_and_skips_none_as_already_there(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.trigger()
    generation = (await fleet.instance("a")).generation
    rollback = await fleet.roll_back()
    assert await fleet.states(rollback) == {"a": "updating"}, "it may be in mid-apply"
    # The earlier state back, because it had never read the new one, and then the rollback's.
    assert (await fleet.instance("a")).generation == generation + 2
    await fleet.report("a", Status.HEALTHY, V1, observed=generation)
    assert (await fleet.step()).in_flight


async def test_those_already_there_return_too(fleet: Fleet) -> None:
    await fleet.running("a", state=V2)
    await fleet.running("b", state=V1)
    await completed(fleet, V2, "b")
    rollback = await fleet.roll_back()
    assert set(await fleet.states(rollback)) == {"a", "b"}
    await fleet.arrive("b")
    await fleet.step()
    assert (await fleet.instance("a")).desired == V2
    assert (await fleet.instance("b")).desired == V1


async def test_an_unreachable_one_gets_its_earlier_state_for_when_it_returns(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await completed(fleet, V2, "a", "b")
    await fleet.silence("a")
    rollback = await fleet.roll_back()
    assert await fleet.states(rollback) == {"b": "updating", "a": "pending"}
    assert (await fleet.instance("a")).desired == V2
    await fleet.arrive("b")
    rollback = await fleet.step()
    assert rollback.status is DeploymentStatus.COMPLETED
    assert rollback.reason == "1 of 2 instances restored, 1 unreachable"
    assert fleet.assigned == {"a"}
    assert await fleet.states(rollback) == {"b": "succeeded", "a": "skipped: unreachable"}
    assert (await fleet.instance("a")).desired == V1
    await fleet.report("a", Status.HEALTHY, V2)
    assert (await fleet.instance("a")).desired == V1, "and nothing that it inherits takes it away"


async def test_of_an_unreachable_one_what_the_rollback_leaves_alone_stays_good(fleet: Fleet) -> None:
    had = State("1", "c1")
    await fleet.running("a", state=had)
    await fleet.trigger(State(None, "c2"))
    await fleet.report("a", Status.HEALTHY, State("1", "c2"))
    await fleet.step()
    assert (await fleet.instance("a")).last_good == State("1", "c2")
    await fleet.silence("a")
    await fleet.roll_back()
    assert (await fleet.instance("a")).desired == State(None, "c1")
    assert (await fleet.instance("a")).last_good == had


async def test_with_nobody_reachable_it_fails_but_sets_the_states(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await completed(fleet, V2, "a", "b")
    await fleet.silence("a", "b")
    rollback = await fleet.roll_back()
    assert rollback.status is DeploymentStatus.FAILED
    assert [(await fleet.instance(name)).desired for name in "ab"] == [V1, V1]


async def test_one_of_which_nothing_is_known_returns_to_nothing(fleet: Fleet) -> None:
    await fleet.register("a")
    await completed(fleet, V2, "a")
    rollback = await fleet.roll_back()
    assert await fleet.states(rollback) == {"a": "skipped: nothing to return to"}
    assert rollback.status is DeploymentStatus.COMPLETED
    assert (await fleet.instance("a")).desired is None


async def test_one_that_is_decommissioned_meanwhile_is_left_out(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await completed(fleet, V2, "a", "b")
    await fleet.decommission("a")
    assert set(await fleet.states(await fleet.roll_back())) == {"b"}


async def test_with_everyone_gone_it_is_over_at_once(fleet: Fleet) -> None:
    await fleet.running("a")
    await completed(fleet, V2, "a")
    await fleet.decommission("a")
    rollback = await fleet.roll_back()
    assert (rollback.status, rollback.counts.total) == (DeploymentStatus.COMPLETED, 0)


async def test_the_last_good_state_is_better_than_what_it_reported(fleet: Fleet) -> None:
    await fleet.running("a", state=V1)
    await completed(fleet, V2, "a")
    await fleet.report("a", Status.FAILED, State("9"))
    await fleet.trigger(V3)
    rollback = await fleet.roll_back()
    assert (await fleet.target(rollback, "a")).to == V2


async def test_without_a_last_good_state_it_is_what_it_reported(fleet: Fleet) -> None:
    await fleet.register("a")
    await fleet.report("a", Status.DEGRADED, State("7"))
    await fleet.trigger(V2)
    rollback = await fleet.roll_back()
    assert (await fleet.target(rollback, "a")).to == State("7")


async def test_a_rollback_s_success_is_a_good_state(fleet: Fleet) -> None:
    await fleet.running("a", state=V1)
    await completed(fleet, V2, "a")
    assert (await fleet.instance("a")).last_good == V2
    await fleet.roll_back()
    await fleet.arrive("a")
    await fleet.step()
    assert (await fleet.instance("a")).last_good == V1


async def test_healthy_with_nowhere_to_be_is_good_and_for_a_target_success_is(fleet: Fleet) -> None:
    await fleet.running("a", state=V1)
    assert (await fleet.instance("a")).last_good == V1
    await fleet.report("a", Status.DEGRADED, V3)
    assert (await fleet.instance("a")).last_good == V1
    await fleet.trigger(V2)
    await fleet.report("a", Status.HEALTHY, V3)
    assert (await fleet.instance("a")).last_good == V1
    await fleet.arrive("a")
    assert (await fleet.instance("a")).last_good == V1, "not before the step has given its verdict"
    await fleet.step()
    assert (await fleet.instance("a")).last_good == V2
    await fleet.report("a", Status.HEALTHY, V3)
    assert (await fleet.instance("a")).last_good == V2


async def test_a_failed_target_leaves_the_last_good_state_alone(fleet: Fleet) -> None:
    await fleet.running("a", state=V1)
    await fleet.trigger(V2)
    await fleet.fail("a")
    await fleet.step()
    assert (await fleet.instance("a")).last_good == V1
