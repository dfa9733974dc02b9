"""`deadline` and other ends of a deployment over the real store."""

from dides.model.deployment import DeploymentStatus
from support.hand_fleet import V1, Fleet

RUNNING, FAILED = DeploymentStatus.RUNNING, DeploymentStatus.FAILED


async def test_a_deployment_that_is_not_done_by_its_deadline_has_failed_and_is_rolled_back(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    deployment = await fleet.trigger(deadline=60)
    await fleet.arrive("a")
    stepped = await fleet.stepped()
    assert stepped.next_deadline == fleet.clock.now() + 60_000
    fleet.clock.advance(59.999)
    assert (await fleet.step()).status is RUNNING
    fleet.clock.advance(0.001)
    failed = await fleet.step()
    assert (failed.status, failed.reason) == (FAILED, "deadline of 60 s passed: 1 of 2 were not done")
    assert await fleet.states(deployment) == {"a": "succeeded", "b": "skipped: stopped while updating"}
    assert failed.rolled_back_by == deployment.id + 1


async def test_the_deadline_stands_still_in_a_pause_and_in_an_outage(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.trigger(deadline=60)
    await fleet.pause()
    fleet.clock.advance(1000)
    await fleet.resume()
    await fleet.restart(after=1000)
    fleet.clock.advance(59.999)
    assert (await fleet.step()).status is RUNNING
    fleet.clock.advance(0.001)
    assert (await fleet.step()).status is FAILED


async def test_a_deadline_before_anything_was_told_rolls_nothing_back(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await fleet.silence("a")
    await fleet.trigger(deadline=60, max_unavailable=1)
    fleet.clock.advance(60)
    failed = await fleet.step()
    assert (failed.status, failed.rolled_back_by) == (FAILED, None)


async def test_one_that_has_none_left_at_the_target_is_rolled_back(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    deployment = await fleet.trigger(waves=(1,), failure_threshold=2)
    await fleet.arrive("a")
    await fleet.steps()
    await fleet.decommission("b", force=True)
    await fleet.fail("a")
    failed = await fleet.step()
    assert (failed.status, failed.rolled_back_by) == (FAILED, deployment.id + 1)
    assert failed.reason.startswith("no target is at the target any more")
    assert (await fleet.instance("a")).desired == V1
