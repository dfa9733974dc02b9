"""Aborting a deployment, with and without a rollback, and who gets an earlier desired state back."""

import pytest

from dides.model.deployment import DeploymentStatus, Kind
from dides.model.errors import ConflictError, NotFoundError
from dides.model.state import State, Status
from support.hand_fleet import V1, V2, V3, Fleet


async def test_it_stops_what_is_not_finished(fleet: Fleet) -> None:
    await fleet.running("a", "b", "c", "d")
    await fleet.trigger(batch_size=2)
    await fleet.arrive("a")
    await fleet.step()
    aborted = await fleet.abort()
    assert (aborted.status, aborted.reason) == (DeploymentStatus.ABORTED, "aborted by anna")
    assert aborted.finished_at == fleet.clock.now()
    assert await fleet.states(aborted) == {
        "a": "succeeded",
        "b": "skipped: stopped while updating",
        "c": "skipped: stopped while updating",
        "d": "skipped: not started",
    }
    with pytest.raises(NotFoundError):
        await fleet.in_flight()


async def test_nothing_in_flight_cannot_be_aborted(fleet: Fleet) -> None:
    with pytest.raises(NotFoundError):
        await fleet.abort()


async def test_a_paused_one_can_be_aborted(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.trigger()
    await fleet.pause()
    aborted = await fleet.abort()
    assert (aborted.status, aborted.paused_at) == (DeploymentStatus.ABORTED, None)


async def test_one_that_never_read_its_new_state_gets_the_earlier_one_back(fleet: Fleet) -> None:
    await fleet.running("a", "b", state=V1)
    await fleet.trigger(V2, batch_size=2)
    await fleet.arrive("a", "b")
    await fleet.step()
    await fleet.trigger(V3, batch_size=2)
    await fleet.report("a", Status.DEGRADED, V2, message="applying")
    before = (await fleet.instance("b")).generation
    await fleet.abort()
    assert fleet.assigned == {"b"}
    read, unread = await fleet.instance("a"), await fleet.instance("b")
    assert (read.desired, unread.desired) == (V3, V2)
    assert unread.generation == before + 1


async def test_one_that_had_no_desired_state_has_none_again(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.trigger()
    await fleet.abort()
    assert (await fleet.instance("a")).desired is None


async def test_a_heartbeat_of_an_older_generation_is_no_sign_that_it_read_it(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.trigger()
    await fleet.report("a", Status.HEALTHY, V1, observed=0)
    await fleet.abort()
    assert (await fleet.instance("a")).desired is None


async def test_one_that_is_pending_keeps_what_it_had(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await fleet.trigger()
    before = await fleet.instance("b")
    await fleet.abort()
    assert await fleet.instance("b") == before


async def test_with_a_rollback_all_that_was_touched_returns(fleet: Fleet) -> None:
    await fleet.running("a", "b", "c", "d")
    await fleet.trigger(batch_size=2)
    await fleet.arrive("a")
    await fleet.step()
    aborted = await fleet.abort(rollback=True)
    rollback = await fleet.in_flight()
    assert (aborted.status, aborted.rolled_back_by) == (DeploymentStatus.ABORTED, rollback.id)
    assert (rollback.kind, rollback.created_by, rollback.window) == (Kind.ROLLBACK, "anna", 2)
    assert await fleet.states(rollback) == {"a": "updating", "b": "updating", "c": "pending"}
    await fleet.arrive("a", "b")
    await fleet.step()
    await fleet.arrive("c")
    rollback = await fleet.step()
    assert rollback.status is DeploymentStatus.COMPLETED
    assert [(await fleet.instance(name)).desired for name in "abcd"] == [V1, V1, V1, None]


async def test_a_rollback_can_be_aborted_but_not_rolled_back(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await fleet.trigger(batch_size=2)
    await fleet.abort(rollback=True)
    with pytest.raises(ConflictError, match="no rollback of a rollback"):
        await fleet.abort(rollback=True)
    rollback = await fleet.in_flight()
    aborted = await fleet.abort()
    assert (aborted.id, aborted.status) == (rollback.id, DeploymentStatus.ABORTED)


async def test_only_what_the_deployment_managed_is_rolled_back(fleet: Fleet) -> None:
    await fleet.running("a", state=State("1", "x"))
    await fleet.trigger(State("2", None))
    await fleet.report("a", Status.HEALTHY, State("2", "y"))
    await fleet.step()
    await fleet.roll_back()
    assert (await fleet.instance("a")).desired == State("1", None)
