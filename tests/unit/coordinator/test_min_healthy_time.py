"""`min_healthy_time` over the real store: how long HEALTHY has to be held."""

from dides.model.deployment import DeploymentStatus
from dides.model.state import Status
from support.hand_fleet import SETTINGS, V2, Fleet

RUNNING, COMPLETED = DeploymentStatus.RUNNING, DeploymentStatus.COMPLETED


async def test_healthy_has_to_be_held(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    deployment = await fleet.trigger(min_healthy_time=10)
    await fleet.arrive("a")
    stepped = await fleet.stepped()
    assert stepped.next_deadline == fleet.clock.now() + 10_000, "the end of the hold is waited for"
    fleet.clock.advance(9.999)
    await fleet.step()
    assert await fleet.in_state(deployment) == ["a"]
    fleet.clock.advance(0.001)
    await fleet.step()
    assert await fleet.states(deployment) == {"a": "succeeded", "b": "updating"}


async def test_the_first_healthy_report_makes_a_step_due_so_that_the_hold_is_waited_for(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.trigger(min_healthy_time=10)
    assert (await fleet.report("a", Status.HEALTHY, V2, observed=1)).step_due
    assert not (await fleet.report("a", Status.HEALTHY, V2, observed=1)).step_due


async def test_any_other_report_and_silence_restart_the_hold(fleet: Fleet) -> None:
    await fleet.running("a")
    deployment = await fleet.trigger(min_healthy_time=10)
    await fleet.arrive("a")
    fleet.clock.advance(8)
    await fleet.report("a", Status.DEGRADED, V2, observed=1)
    await fleet.arrive("a")
    fleet.clock.advance(8)
    await fleet.silence("a")
    fleet.clock.advance(8)
    assert (await fleet.step()).status is RUNNING
    await fleet.arrive("a")
    fleet.clock.advance(9.999)
    assert (await fleet.step()).status is RUNNING
    fleet.clock.advance(0.001)
    await fleet.step()
    assert (await fleet.deployment(deployment.id)).status is COMPLETED


async def test_the_hold_runs_on_in_a_pause_but_not_in_an_outage(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    deployment = await fleet.trigger(batch_size=2, min_healthy_time=100, update_timeout=1000)
    await fleet.arrive("a")
    await fleet.pause()
    fleet.clock.advance(100)
    await fleet.step()
    assert await fleet.in_state(deployment, "succeeded") == ["a"]
    await fleet.resume()
    await fleet.arrive("b")
    fleet.clock.advance(90)
    await fleet.restart(after=500)
    fleet.clock.advance(10)
    await fleet.step()
    assert await fleet.in_state(deployment) == ["b"], "nobody knows yet whether it is still HEALTHY"
    fleet.clock.advance(SETTINGS.time_to_live - 10)
    await fleet.step()
    assert await fleet.in_state(deployment, "succeeded") == ["a", "b"]


async def test_not_held_for_long_enough_by_the_timeout_has_failed(fleet: Fleet) -> None:
    await fleet.running("a")
    deployment = await fleet.trigger(min_healthy_time=20, update_timeout=30)
    fleet.clock.advance(15)
    await fleet.arrive("a")
    fleet.clock.advance(15)
    await fleet.step()
    assert "timed out" in (await fleet.target(deployment, "a")).reason


async def test_the_end_of_a_hold_is_waited_for_in_a_pause_though_a_timeout_has_passed(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await fleet.trigger(min_healthy_time=30, update_timeout=60)
    await fleet.pause()
    fleet.clock.advance(70)
    await fleet.arrive("a")
    ends = fleet.clock.now() + 30_000
    assert (await fleet.stepped()).next_deadline == ends
    fleet.clock.advance(1)
    assert (await fleet.stepped()).next_deadline == ends, "also in a step that no report has called for"
