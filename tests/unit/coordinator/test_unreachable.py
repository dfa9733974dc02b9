"""Instances that fall silent and return: in flight, they go to the end of the order and come back into it."""

from dides.model.deployment import DeploymentStatus, TargetState
from dides.model.state import State, Status
from support.hand_fleet import V1, V2, Fleet


async def test_the_silent_are_unknown_and_unreachable(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.silence("a")
    silent = await fleet.instance("a")
    assert (silent.status, silent.reachable, silent.current) == (Status.UNKNOWN, False, V1)
    assert [each.instance for each in await fleet.events("instance.unreachable")] == ["a"]
    await fleet.silence("a")
    assert len(await fleet.events("instance.unreachable")) == 1


async def test_whoever_was_heard_of_in_time_is_alive(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await fleet.register("c")
    fleet.clock.advance(10)
    await fleet.report("b")
    await fleet.register("d")
    declared = await fleet.silent_since(fleet.clock.now() - 1, "a", "b", "c", "d", "gone")
    assert declared.gone == {"a", "c"}
    assert not (await fleet.instance("a")).reachable
    assert not (await fleet.instance("c")).reachable, "registered long ago, and never heard of since"


async def test_an_operator_s_change_is_no_sign_of_life_but_an_empty_heartbeat_is(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.silence("a")
    await fleet.report("a")
    returned = await fleet.instance("a")
    assert (returned.reachable, returned.status) == (True, Status.UNKNOWN)
    (news,) = [each for each in await fleet.events("instance.reported") if "returned" in each.data]
    assert news.instance == "a"


async def test_one_that_is_unreachable_at_its_turn_goes_to_the_end_and_is_skipped_untold(fleet: Fleet) -> None:
    await fleet.running("a", "b", "c")
    await fleet.silence("a")
    deployment = await fleet.trigger()
    assert await fleet.states(deployment) == {"b": "updating", "c": "pending", "a": "pending"}
    assert deployment.counts.deferred == 1
    for name in ("b", "c"):
        await fleet.arrive(name)
        deployment = await fleet.step()
    assert deployment.status is DeploymentStatus.COMPLETED
    assert deployment.reason == "2 of 3 at the target, 1 unreachable"
    skipped = await fleet.target(deployment, "a")
    assert (skipped.state, skipped.reason, skipped.assigned_at) == (TargetState.SKIPPED, "unreachable", None)
    assert (await fleet.instance("a")).desired is None


async def test_one_that_returns_in_time_is_told_after_the_others(fleet: Fleet) -> None:
    await fleet.running("a", "b", "c")
    await fleet.silence("a")
    deployment = await fleet.trigger()
    taken = await fleet.report("a", Status.HEALTHY, V1)
    assert taken.step_due
    assert (await fleet.in_flight()).counts.deferred == 0
    await fleet.arrive("b")
    await fleet.step()
    assert await fleet.states(deployment) == {"b": "succeeded", "c": "updating", "a": "pending"}
    await fleet.arrive("c")
    await fleet.step()
    assert (await fleet.target(deployment, "a")).state is TargetState.UPDATING


async def test_registration_is_a_sign_of_life_too(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await fleet.silence("a")
    deployment = await fleet.trigger()
    joined = await fleet.register("a")
    assert joined.step_due
    assert (await fleet.in_flight()).counts.deferred == 0
    await fleet.arrive("b")
    await fleet.step()
    assert (await fleet.target(deployment, "a")).state is TargetState.UPDATING


async def test_one_that_falls_silent_again_is_put_off_again(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await fleet.silence("a")
    deployment = await fleet.trigger()
    await fleet.report("a")
    await fleet.silence("a")
    await fleet.arrive("b")
    deployment = await fleet.step()
    assert deployment.status is DeploymentStatus.COMPLETED
    assert await fleet.states(deployment) == {"b": "succeeded", "a": "skipped: unreachable"}


async def test_with_nobody_reachable_the_deployment_fails_at_once(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await fleet.silence("a", "b")
    deployment = await fleet.trigger()
    assert deployment.status is DeploymentStatus.FAILED
    assert "no target reachable" in deployment.reason
    assert deployment.rolled_back_by is None


async def test_a_paused_deployment_waits_for_the_unreachable(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await fleet.silence("a")
    deployment = await fleet.trigger()
    await fleet.pause()
    await fleet.arrive("b")
    deployment = await fleet.step()
    assert (deployment.status, deployment.counts.pending) == (DeploymentStatus.PAUSED, 1)
    await fleet.report("a", Status.HEALTHY, V1)
    await fleet.resume()
    await fleet.step()
    assert (await fleet.target(deployment, "a")).state is TargetState.UPDATING


async def test_a_dead_rack_takes_no_slot_and_ends_in_few_steps(fleet: Fleet) -> None:
    dead = [f"dead-{number:03}" for number in range(150)]
    await fleet.register(*dead)
    await fleet.silence(*dead)
    await fleet.running("web-1")
    first = await fleet.triggered(batch_size=2)
    assert first.stepped is not None
    assert first.stepped.run_again, "a step examines a bounded number of targets"
    deployment = await fleet.steps()
    assert deployment.counts.deferred == 150
    assert (await fleet.target(deployment, "web-1")).state is TargetState.UPDATING
    await fleet.arrive("web-1")
    assert (await fleet.step()).status is DeploymentStatus.COMPLETED


async def test_a_returned_instance_that_is_already_there_takes_no_slot(fleet: Fleet) -> None:
    await fleet.running("a", "b", state=V1)
    await fleet.silence("a")
    deployment = await fleet.trigger()
    await fleet.report("a", Status.HEALTHY, V2)
    await fleet.arrive("b")
    deployment = await fleet.step()
    assert deployment.status is DeploymentStatus.COMPLETED
    assert await fleet.states(deployment) == {"b": "succeeded", "a": "skipped: already at target"}


async def test_drift_shows_as_long_as_it_lasts(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.trigger()
    await fleet.arrive("a")
    await fleet.step()
    taken = await fleet.report("a", Status.HEALTHY, State("hand-made"))
    drifted = taken.instances["a"]
    assert (drifted.desired, drifted.current) == (V2, State("hand-made"))
    assert not drifted.current.meets(drifted.desired), "the answer says update_needed, at every heartbeat"
    generation = drifted.generation
    again = (await fleet.report("a")).instances["a"]
    assert (again.desired, again.generation) == (V2, generation)
