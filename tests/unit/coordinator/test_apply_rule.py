"""What an instance is told of a state that it has applied already, for everything that assigns one."""

from dides.model.deployment import DeploymentStatus
from dides.model.state import ApplyRule, Status
from support.hand_fleet import V1, V2, Fleet


async def rule(fleet: Fleet, name: str = "a") -> ApplyRule:
    return (await fleet.instance(name)).apply


async def test_one_that_was_never_told_anything_has_the_usual_rule(fleet: Fleet) -> None:
    await fleet.running("a")
    assert await rule(fleet) is ApplyRule.UNLESS_HEALTHY


async def test_a_target_and_the_target_of_a_rollback_look_at_their_check(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await fleet.trigger(V2)
    assert await rule(fleet) is ApplyRule.UNLESS_HEALTHY
    await fleet.arrive("a")
    await fleet.roll_back()
    assert await rule(fleet) is ApplyRule.UNLESS_HEALTHY


async def test_one_that_is_there_already_applies_only_what_is_new(fleet: Fleet) -> None:
    await fleet.running("a", state=V2)
    await fleet.running("b")
    await fleet.trigger(V2)
    assert (await rule(fleet, "a"), await rule(fleet, "b")) == (ApplyRule.IF_CHANGED, ApplyRule.UNLESS_HEALTHY)


async def test_force_assigns_one_that_is_there_already(fleet: Fleet) -> None:
    await fleet.running("a", state=V2)
    deployment = await fleet.trigger(V2, force=True)
    assert await fleet.states(deployment) == {"a": "updating"}
    assert await rule(fleet) is ApplyRule.ALWAYS
    await fleet.arrive("a")
    assert (await fleet.step()).status is DeploymentStatus.COMPLETED


async def test_every_attempt_of_what_is_forced_is_forced_and_its_rollback_is_not(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.trigger(V2, force=True, retries=1)
    await fleet.fail("a")
    await fleet.step()
    fleet.clock.advance(120)
    await fleet.step()
    again = await fleet.instance("a")
    assert (again.generation, again.apply) == (2, ApplyRule.ALWAYS)
    await fleet.fail("a")
    await fleet.step()
    returned = await fleet.instance("a")
    assert (returned.desired, returned.apply) == (V1, ApplyRule.UNLESS_HEALTHY)


async def test_one_that_is_restored_applies_only_what_is_new(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.trigger(V2)
    await fleet.abort()
    restored = await fleet.instance("a")
    assert (restored.desired, restored.apply) == (None, ApplyRule.IF_CHANGED)


async def test_an_heir_applies_only_what_is_new(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.trigger(V2)
    await fleet.arrive("a")
    await fleet.step()
    await fleet.running("late")
    heir = await fleet.instance("late")
    assert (heir.desired, heir.apply) == (V2, ApplyRule.IF_CHANGED)


async def test_one_that_is_unreachable_when_it_is_rolled_back_applies_only_what_is_new(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await fleet.trigger(V2, batch_size=2)
    await fleet.arrive("a", "b")
    await fleet.step()
    await fleet.silence("a")
    await fleet.roll_back()
    await fleet.arrive("b")
    await fleet.steps()
    away = await fleet.instance("a")
    assert (away.desired, away.status, away.apply) == (V1, Status.UNKNOWN, ApplyRule.IF_CHANGED)
