"""What may be undone, and which deployment is meant when none is named."""

import pytest

from dides.model.deployment import Deployment, DeploymentStatus, Kind
from dides.model.errors import ConflictError, InFlightError
from dides.model.state import State, Status
from support.hand_fleet import V1, V2, V3, Fleet

TEAM = {"env": "prod", "team": "b"}


async def completed(fleet: Fleet, to: State, *names: str, labels: dict[str, str] | None = None) -> Deployment:
    """Roll a version out to all who match, and return the completed deployment."""
    deployment = await fleet.trigger(to, batch_size=100, labels=labels or {"env": "prod"})
    await fleet.arrive(*names)
    if deployment.in_flight:
        deployment = await fleet.step()
    assert deployment.status is DeploymentStatus.COMPLETED
    return deployment


async def rolled_back(fleet: Fleet, *names: str, number: int | None = None) -> Deployment:
    """Roll back, let all of these arrive, and return the rollback as it ended."""
    rollback = await fleet.roll_back(number)
    await fleet.arrive(*names)
    return await fleet.step() if rollback.in_flight else rollback


async def aborted_rollback(fleet: Fleet, *names: str, number: int | None = None) -> Deployment:
    """Begin a rollback, let these arrive, and abort it."""
    await fleet.roll_back(number)
    if names:
        await fleet.arrive(*names)
        await fleet.step()
    return await fleet.abort()


async def currents(fleet: Fleet, *names: str) -> list[State]:
    return [(await fleet.instance(name)).current for name in names]


async def test_one_that_assigned_nothing_is_passed_over(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    first = await completed(fleet, V2, "a", "b")
    await completed(fleet, V2)
    rollback = await rolled_back(fleet, "a", "b")
    assert (rollback.rollback_of, rollback.to) == (first.id, V1)
    assert await currents(fleet, "a", "b") == [V1, V1]


async def test_what_repeated_an_undone_one_is_not_inherited_either(fleet: Fleet) -> None:
    await fleet.running("a")
    first = await completed(fleet, V2, "a")
    again = await completed(fleet, V2)
    rollback = await rolled_back(fleet, "a")
    for deployment in (first, again):
        undone = await fleet.deployment(deployment.id)
        assert (undone.rolled_back_by, undone.withdrawn) == (rollback.id, True)
    await fleet.register("new")
    assert (await fleet.instance("new")).desired is None


async def test_who_inherited_from_a_repetition_loses_it_with_the_rest(fleet: Fleet) -> None:
    await fleet.running("a")
    await completed(fleet, V2, "a")
    await completed(fleet, V2)
    await fleet.register("new")
    assert (await fleet.instance("new")).desired == V2
    await rolled_back(fleet, "a")
    assert (await fleet.instance("new")).desired is None


async def test_one_that_assigned_nothing_is_not_undone_by_name(fleet: Fleet) -> None:
    await fleet.running("a")
    await completed(fleet, V2, "a")
    again = await completed(fleet, V2)
    with pytest.raises(ConflictError, match=f"Deployment {again.id} assigned nothing"):
        await fleet.roll_back(again.id)


async def test_nothing_is_left_once_everything_is_undone(fleet: Fleet) -> None:
    await fleet.running("a")
    await completed(fleet, V2, "a")
    await rolled_back(fleet, "a")
    with pytest.raises(ConflictError, match="is undone"):
        await fleet.roll_back()


async def test_an_aborted_rollback_can_be_begun_again(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    first = await completed(fleet, V2, "a", "b")
    await aborted_rollback(fleet)
    assert not (await fleet.deployment(first.id)).withdrawn
    rollback = await rolled_back(fleet, "a", "b")
    assert (rollback.rollback_of, rollback.counts.total) == (first.id, 2)
    assert await currents(fleet, "a", "b") == [V1, V1]


async def test_what_an_aborted_rollback_has_restored_stays_so(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await fleet.trigger(V2)
    for name in "ab":
        await fleet.arrive(name)
        await fleet.step()
    await aborted_rollback(fleet, "a")
    generation = (await fleet.instance("a")).generation
    again = await fleet.roll_back()
    assert set(await fleet.states(again)) == {"b"}
    assert (await fleet.instance("a")).generation == generation


async def test_during_an_aborted_rollback_nobody_inherited_and_afterwards_they_do(fleet: Fleet) -> None:
    await fleet.running("a")
    await completed(fleet, V2, "a")
    await fleet.roll_back()
    await fleet.register("new")
    assert (await fleet.instance("new")).desired is None
    await fleet.abort()
    await fleet.register("newer")
    assert (await fleet.instance("newer")).desired == V2


async def test_those_disinherited_by_an_aborted_rollback_inherit_again(fleet: Fleet) -> None:
    await fleet.running("a")
    await completed(fleet, V2, "a")
    await fleet.register("heir")
    await fleet.arrive("heir")
    await aborted_rollback(fleet)
    await fleet.silence()
    assert (await fleet.instance("heir")).desired == V2


async def test_a_failed_rollback_is_repeated_by_name_for_those_not_restored(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    first = await completed(fleet, V2, "a", "b")
    await fleet.roll_back()
    await fleet.fail("b")
    await fleet.arrive("a")
    assert (await fleet.step()).status is DeploymentStatus.FAILED
    with pytest.raises(ConflictError, match=f"dides rollback {first.id}"):
        await fleet.roll_back()
    again = await fleet.roll_back(first.id)
    assert await fleet.states(again) == {"b": "updating"}
    await fleet.arrive("b")
    assert (await fleet.step()).status is DeploymentStatus.COMPLETED
    with pytest.raises(ConflictError, match=f"already been undone by rollback {again.id}"):
        await fleet.roll_back(first.id)


async def test_an_earlier_one_can_be_undone_once_a_later_one_has_undone_itself(fleet: Fleet) -> None:
    await fleet.running("a")
    first = await completed(fleet, V2, "a")
    await fleet.trigger(V3)
    await fleet.fail("a")
    await fleet.step()
    await fleet.arrive("a")
    assert (await fleet.step()).kind is Kind.ROLLBACK
    rollback = await rolled_back(fleet, "a")
    assert (rollback.rollback_of, rollback.status) == (first.id, DeploymentStatus.COMPLETED)
    assert await currents(fleet, "a") == [V1]


async def test_one_of_another_team_is_undone_by_name(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.running("b", labels=TEAM)
    mine = await fleet.trigger(V2, labels={"env": "prod"}, selector="!team")
    await fleet.arrive("a")
    await fleet.step()
    theirs = await completed(fleet, V3, "b", labels=TEAM)
    rollback = await rolled_back(fleet, "a", number=mine.id)
    assert rollback.status is DeploymentStatus.COMPLETED
    assert await currents(fleet, "a", "b") == [V1, V3]
    assert (await fleet.roll_back()).rollback_of == theirs.id


async def test_one_whose_instances_a_later_one_assigned_is_refused(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    first = await completed(fleet, V2, "a", "b")
    await fleet.running("c", labels=TEAM, state=V2)
    await fleet.run(lambda tx: None)
    second = await completed(fleet, V3, "a", "b", "c")
    with pytest.raises(ConflictError, match=f"Deployment {second.id} came later"):
        await fleet.roll_back(first.id)
    await rolled_back(fleet, "a", "b", "c")
    assert (await rolled_back(fleet, "a", "b", number=first.id)).status is DeploymentStatus.COMPLETED
    assert await currents(fleet, "a", "b") == [V1, V1]


async def test_an_aborted_one_that_assigned_an_instance_stands_in_the_way_too(fleet: Fleet) -> None:
    await fleet.running("a")
    first = await completed(fleet, V2, "a")
    second = await fleet.trigger(V3)
    await fleet.abort()
    with pytest.raises(ConflictError, match=f"Deployment {second.id} came later"):
        await fleet.roll_back(first.id)


async def inherited_later(fleet: Fleet) -> tuple[Deployment, Deployment]:
    """Roll V2 out to `a` and `b`, and V3 while `a` is away: it inherits that when it returns."""
    await fleet.running("a", "b")
    first = await completed(fleet, V2, "a", "b")
    await fleet.silence("a")
    second = await completed(fleet, V3, "b", labels={"env": "prod"})
    await fleet.report("a", Status.HEALTHY, V2)
    assert (await fleet.instance("a")).desired == V3
    await fleet.arrive("a")
    return first, second


async def test_one_whose_instance_inherited_a_later_state_is_refused(fleet: Fleet) -> None:
    await fleet.running("x", labels=TEAM)
    await fleet.running("a", labels=TEAM)
    first = await completed(fleet, V2, "a", "x", labels=TEAM)
    await fleet.silence("a")
    second = await completed(fleet, V3, "x")
    await fleet.report("a", Status.HEALTHY, V2)
    assert (await fleet.instance("a")).desired == V3
    await fleet.decommission("x")
    with pytest.raises(ConflictError, match=f"Deployment {second.id} came later"):
        await fleet.roll_back(first.id)


async def test_an_inherited_state_stands_in_the_way_after_another_was_undone(fleet: Fleet) -> None:
    first, second = await inherited_later(fleet)
    await fleet.decommission("b")
    await completed(fleet, State("4"), "a")
    await rolled_back(fleet, "a")
    assert (await fleet.instance("a")).desired == V3
    with pytest.raises(ConflictError, match=f"Deployment {second.id} came later"):
        await fleet.roll_back(first.id)


async def test_an_heir_that_a_rollback_returned_is_disinherited_all_the_same(fleet: Fleet) -> None:
    await fleet.running("a")
    second = await completed(fleet, V2, "a")
    await fleet.register("heir")
    await fleet.arrive("heir")
    await completed(fleet, V3, "a", "heir")
    await rolled_back(fleet, "a", "heir")
    assert (await fleet.instance("heir")).desired == V2
    await rolled_back(fleet, "a", number=second.id)
    assert (await fleet.instance("heir")).desired is None


async def test_an_heir_that_a_later_one_assigned_keeps_what_that_says(fleet: Fleet) -> None:
    await fleet.running("a", labels=TEAM)
    second = await completed(fleet, V2, "a")
    await fleet.register("heir", labels={"env": "prod", "team": "c"})
    await fleet.arrive("heir")
    await completed(fleet, V3, "heir", labels={"team": "c"})
    await rolled_back(fleet, "a", number=second.id)
    assert (await fleet.instance("heir")).desired == V3


async def test_one_known_by_its_heirs_alone_can_be_undone_by_name(fleet: Fleet) -> None:
    await fleet.running("a", state=V2)
    await fleet.running("b")
    await fleet.silence("b")
    deployment = await fleet.trigger(V2)
    assert deployment.status is DeploymentStatus.COMPLETED
    await fleet.report("b", Status.HEALTHY, V1)
    assert (await fleet.instance("b")).desired == V2
    rollback = await rolled_back(fleet, "a", number=deployment.id)
    assert rollback.status is DeploymentStatus.COMPLETED
    assert (await fleet.instance("b")).desired is None


async def test_what_was_found_at_the_target_is_not_downgraded(fleet: Fleet) -> None:
    await fleet.running("a", "b", state=V1)
    await completed(fleet, V2, "a", "b")
    await fleet.report("a", Status.HEALTHY, V3)
    await completed(fleet, V3, "b")
    rollback = await fleet.roll_back()
    assert {each.instance: each.to for each in await fleet.targets(rollback)} == {"a": V3, "b": V2}


async def test_while_another_is_in_flight_none_is_undone(fleet: Fleet) -> None:
    await fleet.running("a")
    first = await completed(fleet, V2, "a")
    second = await fleet.trigger(V3)
    with pytest.raises(InFlightError, match=f"Deployment {second.id} is in flight"):
        await fleet.roll_back(first.id)
    assert await fleet.in_flight() == second


async def test_one_that_is_being_undone_is_said_to_be(fleet: Fleet) -> None:
    await fleet.running("a")
    first = await completed(fleet, V2, "a")
    rollback = await fleet.roll_back()
    with pytest.raises(ConflictError, match=f"being undone by rollback {rollback.id}"):
        await fleet.roll_back(first.id)


async def test_a_rollback_is_not_undone_by_name(fleet: Fleet) -> None:
    await fleet.running("a")
    await completed(fleet, V2, "a")
    rollback = await rolled_back(fleet, "a")
    with pytest.raises(ConflictError, match="no rollback of a rollback"):
        await fleet.roll_back(rollback.id)
