"""Pauses and outages: deadlines stand still, verdicts go on."""

import pytest

from dides.model.deployment import DeploymentStatus
from dides.model.errors import NotFoundError
from dides.model.state import Status
from support.hand_fleet import SETTINGS, V1, V2, Fleet

TIME_TO_LIVE = SETTINGS.time_to_live


async def test_nothing_new_is_told_but_verdicts_go_on(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await fleet.trigger()
    paused = await fleet.pause()
    assert (paused.status, paused.paused_at) == (DeploymentStatus.PAUSED, fleet.clock.now())
    await fleet.arrive("a")
    deployment = await fleet.step()
    assert await fleet.states(deployment) == {"a": "succeeded", "b": "pending"}
    resumed = await fleet.resume()
    assert (resumed.status, resumed.paused_at) == (DeploymentStatus.RUNNING, None)
    await fleet.step()
    assert await fleet.states(deployment) == {"a": "succeeded", "b": "updating"}


async def test_a_trip_goes_on_too_and_its_rollback_runs(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await fleet.trigger()
    await fleet.pause()
    await fleet.fail("a")
    failed = await fleet.step()
    assert (failed.status, failed.paused_at) == (DeploymentStatus.FAILED, None)
    assert (await fleet.in_flight()).status is DeploymentStatus.RUNNING


async def test_the_last_verdict_ends_a_paused_one(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.trigger()
    await fleet.pause()
    await fleet.arrive("a")
    assert (await fleet.step()).status is DeploymentStatus.COMPLETED


async def test_deadlines_stand_still(fleet: Fleet) -> None:
    await fleet.running("a")
    deployment = await fleet.trigger(update_timeout=60)
    deadline = (await fleet.target(deployment, "a")).deadline_at
    fleet.clock.advance(50)
    await fleet.pause()
    fleet.clock.advance(1000)
    assert (await fleet.step()).counts.updating == 1
    await fleet.resume()
    assert (await fleet.target(deployment, "a")).deadline_at == (deadline or 0) + 1_000_000
    fleet.clock.advance(9.999)
    assert (await fleet.step()).counts.updating == 1
    fleet.clock.advance(0.001)
    assert (await fleet.step()).counts.failed == 1


async def test_repeating_them_changes_nothing(fleet: Fleet) -> None:
    await fleet.running("a")
    running = await fleet.trigger()
    assert await fleet.resume() == running
    paused = await fleet.pause()
    fleet.clock.advance(5)
    assert await fleet.pause() == paused
    assert len(await fleet.events("deployment.paused")) == 1
    assert await fleet.events("deployment.resumed") == []


async def test_nothing_in_flight_cannot_be_paused(fleet: Fleet) -> None:
    with pytest.raises(NotFoundError):
        await fleet.pause()
    with pytest.raises(NotFoundError):
        await fleet.resume()


async def test_a_rollback_can_be_paused(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await fleet.trigger(batch_size=2)
    await fleet.roll_back()
    await fleet.pause()
    fleet.clock.advance(10_000)
    assert (await fleet.step()).counts.updating == 2
    await fleet.resume()
    await fleet.arrive("a", "b")
    assert (await fleet.step()).status is DeploymentStatus.COMPLETED


async def test_an_outage_moves_the_deadlines(fleet: Fleet) -> None:
    await fleet.running("a")
    deployment = await fleet.trigger(update_timeout=600)
    deadline = (await fleet.target(deployment, "a")).deadline_at
    fleet.clock.advance(100)
    await fleet.restart(after=5000)
    assert (await fleet.target(deployment, "a")).deadline_at == (deadline or 0) + 5_000_000


async def test_nobody_times_out_within_one_time_to_live_of_a_start(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.trigger(update_timeout=60)
    fleet.clock.advance(59)
    await fleet.restart(after=100)
    fleet.clock.advance(TIME_TO_LIVE - 0.001)
    assert (await fleet.step()).counts.updating == 1
    fleet.clock.advance(0.001)
    assert (await fleet.step()).counts.failed == 1


async def test_nor_by_a_deadline_that_had_passed_before_the_outage(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.trigger(update_timeout=60)
    fleet.clock.advance(61)
    await fleet.restart(after=1)
    assert (await fleet.step()).counts.updating == 1


async def test_an_outage_in_a_pause_is_part_of_the_pause(fleet: Fleet) -> None:
    await fleet.running("a")
    deployment = await fleet.trigger(update_timeout=60)
    deadline = (await fleet.target(deployment, "a")).deadline_at
    await fleet.pause()
    fleet.clock.advance(10)
    await fleet.restart(after=1000)
    fleet.clock.advance(10)
    await fleet.resume()
    assert (await fleet.target(deployment, "a")).deadline_at == (deadline or 0) + 1_020_000


async def test_a_heartbeat_in_the_quiet_time_counts_as_ever(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await fleet.trigger()
    await fleet.restart(after=1000)
    await fleet.report("a", Status.HEALTHY, V2)
    assert (await fleet.step()).counts.succeeded == 1
    assert (await fleet.instance("b")).desired == V2


async def test_after_a_start_the_silent_are_not_yet_unreachable(fleet: Fleet) -> None:
    """The list of who is listened for starts anew; whoever was unreachable stays so until heard of."""
    await fleet.running("a", "b")
    await fleet.silence("b")
    await fleet.restart(after=1000)
    assert (await fleet.instance("a")).reachable
    assert not (await fleet.instance("b")).reachable
    assert (await fleet.instance("a")).current == V1
