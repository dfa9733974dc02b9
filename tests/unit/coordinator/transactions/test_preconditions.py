"""An operator who acts on one deployment never acts on another that has taken its place in the meantime."""

from collections.abc import Awaitable, Callable

import pytest

from dides.model.deployment import Deployment, DeploymentStatus
from dides.model.errors import ConflictError, NotFoundError
from dides.model.state import State
from support.hand_fleet import V2, V3, Fleet

Action = Callable[[Fleet, int | None], Awaitable[Deployment]]


async def abort_and_roll_back(fleet: Fleet, only: int | None) -> Deployment:
    return await fleet.abort(rollback=True, expected_id=only)


async def abort(fleet: Fleet, only: int | None) -> Deployment:
    return await fleet.abort(expected_id=only)


ACTIONS: dict[str, Action] = {
    "pause": Fleet.pause,
    "resume": Fleet.resume,
    "promote": Fleet.promote,
    "abort": abort,
    "abort and roll back": abort_and_roll_back,
    "roll back": Fleet.roll_back,
}
actions = pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS.keys())
NOT_ROLL_BACK = [action for action in ACTIONS if action != "roll back"]


async def everything(fleet: Fleet) -> tuple[list[Deployment], int]:
    """Return the deployments, and how many events there are."""
    return await fleet.store.read(
        lambda tx: (tx.deployments.page(None, None, 100), len(tx.events.page(None, None, 1000)))
    )


async def one_after_another(fleet: Fleet) -> tuple[Deployment, Deployment]:
    """Return a deployment that has ended, and the one that is in flight now."""
    await fleet.running("a", "b")
    first = await fleet.trigger(V2)
    await fleet.abort()
    return first, await fleet.trigger(V3)


@actions
async def test_another_one_in_flight_is_left_alone(fleet: Fleet, action: Action) -> None:
    first, second = await one_after_another(fleet)
    before = await everything(fleet)
    with pytest.raises(ConflictError, match=rf"(?i)deployment {second.id}\b"):
        await action(fleet, first.id)
    assert await everything(fleet) == before


@pytest.mark.parametrize("name", NOT_ROLL_BACK)
async def test_one_that_has_ended_is_said_to_have(fleet: Fleet, name: str) -> None:
    await fleet.running("a")
    first = await fleet.trigger()
    await fleet.abort()
    with pytest.raises(ConflictError, match=f"Deployment {first.id} is no longer in flight: it is aborted"):
        await ACTIONS[name](fleet, first.id)


async def test_its_rollback_is_named_as_such(fleet: Fleet) -> None:
    await fleet.running("a")
    first = await fleet.trigger()
    await fleet.abort(rollback=True)
    with pytest.raises(ConflictError, match="In flight is rollback 2 by now"):
        await fleet.pause(first.id)


async def test_a_newer_one_is_not_undone_in_its_place(fleet: Fleet) -> None:
    first, second = await one_after_another(fleet)
    await fleet.abort()
    with pytest.raises(ConflictError, match=f"Deployment {second.id} came later"):
        await fleet.roll_back(first.id)
    rollback = await fleet.roll_back(second.id)
    assert rollback.rollback_of == second.id


@pytest.mark.parametrize("name", NOT_ROLL_BACK)
async def test_one_that_never_was_is_not_found(fleet: Fleet, name: str) -> None:
    await one_after_another(fleet)
    with pytest.raises(NotFoundError, match="There is no deployment 99"):
        await ACTIONS[name](fleet, 99)


async def test_the_one_that_is_addressed_is_acted_on(fleet: Fleet) -> None:
    _, second = await one_after_another(fleet)
    assert (await fleet.pause(second.id)).status is DeploymentStatus.PAUSED
    assert (await fleet.resume(second.id)).status is DeploymentStatus.RUNNING
    assert (await fleet.abort(expected_id=second.id)).status is DeploymentStatus.ABORTED
    third = await fleet.trigger(State("4"), waves=(1,), wave_pause="manual")
    await fleet.arrive("a")
    await fleet.steps()
    assert (await fleet.promote(third.id)).wave.open == 2
    assert (await fleet.abort(rollback=True, expected_id=third.id)).rolled_back_by == third.id + 1
