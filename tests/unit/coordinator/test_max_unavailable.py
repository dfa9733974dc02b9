"""`max_unavailable` over the real store: how many may be down at once."""

from dides.engine.window import held_by
from dides.model.deployment import DeploymentStatus
from dides.model.state import Status
from support.hand_fleet import Fleet

RUNNING, FAILED = DeploymentStatus.RUNNING, DeploymentStatus.FAILED


async def test_no_more_are_unavailable_than_allowed(fleet: Fleet) -> None:
    await fleet.running("a", "b", "c", "d")
    await fleet.report("d", Status.DEGRADED)
    deployment = await fleet.trigger(batch_size=4, max_unavailable=2)
    assert deployment.counts.unavailable == 2
    assert await fleet.in_state(deployment) == ["a", "d"], "d is down already, so updating it costs nothing"
    assert held_by(deployment) == "max_unavailable"
    await fleet.arrive("a")
    await fleet.step()
    assert await fleet.in_state(deployment) == ["b", "d"]


async def test_one_that_becomes_healthy_makes_room_at_once_and_one_that_fails_takes_it(fleet: Fleet) -> None:
    await fleet.running("a", "b", "c", "d")
    deployment = await fleet.trigger(batch_size=4, max_unavailable=1, failure_threshold=4)
    await fleet.arrive("a")
    await fleet.report("d", Status.DEGRADED)
    await fleet.report("a", Status.DEGRADED)
    await fleet.step()
    assert await fleet.in_state(deployment) == ["d"], "a has succeeded and is down now, and only d costs nothing"
    assert not (await fleet.report("d", Status.DEGRADED)).step_due
    assert (await fleet.report("a", Status.HEALTHY)).step_due
    await fleet.step()
    assert await fleet.in_state(deployment) == ["d"], "d itself is updating now"


async def test_one_lost_takes_room(fleet: Fleet) -> None:
    await fleet.running("a", "b", "c")
    deployment = await fleet.trigger(batch_size=3, max_unavailable=2)
    await fleet.silence("c")
    assert (await fleet.in_flight()).counts.unavailable == 3
    await fleet.arrive("a")
    await fleet.step()
    assert await fleet.in_state(deployment) == ["b"]
    await fleet.decommission("c")
    assert (await fleet.in_flight()).counts.unavailable == 1


async def test_held_by_max_unavailable_for_too_long_with_nothing_updating_fails(fleet: Fleet) -> None:
    await fleet.running("a", "b", "c")
    await fleet.report("a", Status.DEGRADED)
    await fleet.silence("a")
    deployment = await fleet.trigger(batch_size=3, max_unavailable=1, update_timeout=60)
    assert (held_by(deployment), deployment.counts.unavailable) == ("max_unavailable", 1)
    fleet.clock.advance(59.999)
    assert (await fleet.step()).status is RUNNING
    fleet.clock.advance(0.001)
    failed = await fleet.step()
    assert failed.status is FAILED
    assert failed.reason.startswith("held by max_unavailable for 60 s: 1 of 3 are not HEALTHY (at most 1 may be)")
    assert failed.rolled_back_by is None, "nothing was told"


async def test_it_goes_on_when_there_is_room_again_in_time(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await fleet.silence("a")
    deployment = await fleet.trigger(max_unavailable=1, update_timeout=60)
    fleet.clock.advance(59)
    assert (await fleet.report("a", Status.HEALTHY)).step_due
    fleet.clock.advance(1)
    await fleet.step()
    assert await fleet.in_state(deployment) == ["b"]
    assert (await fleet.in_flight()).timers.blocked_until is None


async def test_one_that_is_not_healthy_is_found_wherever_in_the_order_it_stands(fleet: Fleet) -> None:
    names = [f"a{number:03}" for number in range(200)]
    await fleet.running(*names)
    await fleet.report("a150", Status.FAILED)
    deployment = await fleet.trigger(max_unavailable=1, update_timeout=60)
    assert await fleet.in_state(deployment) == ["a150"]
    await fleet.report("a180", Status.DEGRADED)
    await fleet.arrive("a150")
    await fleet.step()
    assert await fleet.in_state(deployment) == ["a180"]
    await fleet.arrive("a180")
    await fleet.step()
    assert await fleet.in_state(deployment) == ["a000"]
