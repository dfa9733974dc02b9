"""`min_healthy_time`, `retries`, `deadline`, `max_unavailable` and `spread_by` over the real store."""

from dides.engine.retries import FIRST_BACKOFF_MS
from dides.engine.window import held_by
from dides.model.deployment import Deployment, DeploymentStatus, Kind
from dides.model.policy import Ordering
from dides.model.state import Status
from support.hand_fleet import SETTINGS, V1, V2, Fleet

RUNNING, FAILED, COMPLETED = DeploymentStatus.RUNNING, DeploymentStatus.FAILED, DeploymentStatus.COMPLETED
BACKOFF = FIRST_BACKOFF_MS / 1000


async def in_state(fleet: Fleet, deployment: Deployment, state: str = "updating") -> list[str]:
    return [name for name, its in (await fleet.states(deployment)).items() if its.partition(":")[0] == state]


async def test_healthy_has_to_be_held(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    deployment = await fleet.trigger(min_healthy_time=10)
    await fleet.arrive("a")
    stepped = await fleet.stepped()
    assert stepped.next_deadline == fleet.clock.now() + 10_000, "the end of the hold is waited for"
    fleet.clock.advance(9.999)
    await fleet.step()
    assert await in_state(fleet, deployment) == ["a"]
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
    assert await in_state(fleet, deployment, "succeeded") == ["a"]
    await fleet.resume()
    await fleet.arrive("b")
    fleet.clock.advance(90)
    await fleet.restart(after=500)
    fleet.clock.advance(10)
    await fleet.step()
    assert await in_state(fleet, deployment) == ["b"], "nobody knows yet whether it is still HEALTHY"
    fleet.clock.advance(SETTINGS.time_to_live - 10)
    await fleet.step()
    assert await in_state(fleet, deployment, "succeeded") == ["a", "b"]


async def test_not_held_for_long_enough_by_the_timeout_has_failed(fleet: Fleet) -> None:
    await fleet.running("a")
    deployment = await fleet.trigger(min_healthy_time=20, update_timeout=30)
    fleet.clock.advance(15)
    await fleet.arrive("a")
    fleet.clock.advance(15)
    await fleet.step()
    assert "timed out" in (await fleet.target(deployment, "a")).reason


async def test_a_failed_attempt_is_told_again_and_keeps_its_slot(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    deployment = await fleet.trigger(retries=1)
    await fleet.fail("a", "disk full")
    stepped = await fleet.stepped()
    assert stepped.next_deadline == fleet.clock.now() + FIRST_BACKOFF_MS
    waiting = await fleet.target(deployment, "a")
    assert (waiting.state, waiting.attempt, waiting.message) == ("updating", 1, "disk full")
    assert waiting.reason == "attempt 1 of 2 failed: reported FAILED"
    assert (await fleet.in_flight()).counts.failed == 0
    assert await in_state(fleet, deployment, "pending") == ["b"]
    fleet.clock.advance(BACKOFF)
    assert (await fleet.stepped()).told == {"a"}
    again = await fleet.target(deployment, "a")
    assert (again.attempt, again.generation) == (2, waiting.generation + 1)
    await fleet.arrive("a")
    await fleet.step()
    assert await fleet.states(deployment) == {"a": "succeeded", "b": "updating"}


async def test_a_target_counts_as_failed_once_after_its_last_attempt(fleet: Fleet) -> None:
    await fleet.running("a")
    deployment = await fleet.trigger(retries=1, auto_rollback=False)
    await fleet.fail("a")
    await fleet.step()
    fleet.clock.advance(BACKOFF)
    await fleet.step()
    await fleet.fail("a")
    await fleet.step()
    ended = await fleet.deployment(deployment.id)
    assert (ended.status, ended.counts.failed) == (FAILED, 1)
    assert len(await fleet.events("target.postponed")) == 1


async def test_a_timeout_is_retried_but_silence_is_not(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    deployment = await fleet.trigger(batch_size=2, retries=1, update_timeout=60, failure_threshold=2)
    await fleet.silence("b")
    fleet.clock.advance(60)
    await fleet.step()
    assert (await fleet.states(deployment))["a"].startswith("updating: attempt 1 of 2 failed: timed out")
    assert (await fleet.states(deployment))["b"].startswith("failed: lost")


async def test_no_attempt_is_told_in_a_pause_and_its_backoff_stands_still(fleet: Fleet) -> None:
    await fleet.running("a")
    deployment = await fleet.trigger(retries=1)
    await fleet.pause()
    fleet.clock.advance(100)
    await fleet.fail("a")
    await fleet.step()
    fleet.clock.advance(100)
    assert (await fleet.stepped()).told == set()
    await fleet.resume()
    assert (await fleet.stepped()).told == set(), "none of the backoff has gone by"
    fleet.clock.advance(BACKOFF)
    assert (await fleet.stepped()).told == {"a"}
    assert (await fleet.target(deployment, "a")).attempt == 2


async def test_one_stopped_between_two_attempts_is_known_to_have_read_its_state(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.trigger(retries=1)
    await fleet.fail("a")
    await fleet.step()
    fleet.clock.advance(BACKOFF)
    await fleet.step()
    before = await fleet.instance("a")
    await fleet.abort()
    assert (await fleet.instance("a")).generation == before.generation, "it is not told its earlier state"


async def test_a_rollback_returns_one_that_was_tried_twice_to_what_it_had_at_first(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.trigger(retries=1)
    await fleet.fail("a")
    await fleet.step()
    fleet.clock.advance(BACKOFF)
    await fleet.step()
    await fleet.fail("a")
    await fleet.step()
    assert (await fleet.instance("a")).desired == V1
    assert (await fleet.in_flight()).kind is Kind.ROLLBACK


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


async def test_no_more_are_unavailable_than_allowed(fleet: Fleet) -> None:
    await fleet.running("a", "b", "c", "d")
    await fleet.report("d", Status.DEGRADED)
    deployment = await fleet.trigger(batch_size=4, max_unavailable=2)
    assert deployment.counts.unavailable == 2
    assert await in_state(fleet, deployment) == ["a", "d"], "d is down already, so updating it costs nothing"
    assert held_by(deployment) == "max_unavailable"
    await fleet.arrive("a")
    await fleet.step()
    assert await in_state(fleet, deployment) == ["b", "d"]


async def test_one_that_becomes_healthy_makes_room_at_once_and_one_that_fails_takes_it(fleet: Fleet) -> None:
    await fleet.running("a", "b", "c", "d")
    deployment = await fleet.trigger(batch_size=4, max_unavailable=1, failure_threshold=4)
    await fleet.arrive("a")
    await fleet.report("d", Status.DEGRADED)
    await fleet.report("a", Status.DEGRADED)
    await fleet.step()
    assert await in_state(fleet, deployment) == ["d"], "a has succeeded and is down now, and only d costs nothing"
    assert not (await fleet.report("d", Status.DEGRADED)).step_due
    assert (await fleet.report("a", Status.HEALTHY)).step_due
    await fleet.step()
    assert await in_state(fleet, deployment) == ["d"], "d itself is updating now"


async def test_one_lost_takes_room(fleet: Fleet) -> None:
    await fleet.running("a", "b", "c")
    deployment = await fleet.trigger(batch_size=3, max_unavailable=2)
    await fleet.silence("c")
    assert (await fleet.in_flight()).counts.unavailable == 3
    await fleet.arrive("a")
    await fleet.step()
    assert await in_state(fleet, deployment) == ["b"]
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
    assert await in_state(fleet, deployment) == ["b"]
    assert (await fleet.in_flight()).timers.blocked_until is None


async def zones(fleet: Fleet) -> None:
    for name, zone in (("a1", "a"), ("a2", "a"), ("a3", "a"), ("b1", "b"), ("c1", "c")):
        await fleet.running(name, labels={"env": "prod", "zone": zone})


async def test_the_window_is_taken_evenly_over_the_values_of_a_label(fleet: Fleet) -> None:
    await zones(fleet)
    deployment = await fleet.trigger(batch_size=4, spread_by="zone")
    assert deployment.share == 2
    assert await in_state(fleet, deployment) == ["a1", "b1", "c1", "a2"]
    await fleet.arrive("b1", "c1")
    await fleet.step()
    assert await in_state(fleet, deployment) == ["a1", "a2"], "a has its share, however much of the window is free"
    assert held_by(await fleet.in_flight()) == "spread_by"
    await fleet.arrive("a1")
    await fleet.step()
    assert await in_state(fleet, deployment) == ["a2", "a3"]


async def test_a_value_whose_share_is_taken_does_not_hide_the_others(fleet: Fleet) -> None:
    await fleet.running(*(f"a{number:03}" for number in range(200)), labels={"env": "prod", "zone": "a"})
    await fleet.running(*(f"b{number}" for number in range(3)), labels={"env": "prod", "zone": "b"})
    deployment = await fleet.trigger(batch_size=2, spread_by="zone")
    for number in range(3):
        assert await in_state(fleet, deployment) == ["a000", f"b{number}"]
        await fleet.arrive(f"b{number}")
        await fleet.step()


async def test_one_that_joins_with_a_new_value_has_the_same_share(fleet: Fleet) -> None:
    await zones(fleet)
    deployment = await fleet.trigger(batch_size=3, spread_by="zone")
    await fleet.register("d1", labels={"env": "prod", "zone": "d"})
    await fleet.register("e", labels={"env": "prod"})
    await fleet.arrive("a1", "b1", "c1")
    await fleet.steps()
    assert await in_state(fleet, deployment) == ["a2", "d1", "e"]


async def test_a_shuffled_order_is_kept(fleet: Fleet) -> None:
    await fleet.running("a", "b", "c", "d", "e", "f")
    deployment = await fleet.trigger(order=Ordering.SHUFFLE)
    order = [each.instance for each in await fleet.targets(deployment)]
    assert sorted(order) != order
    for name in order:
        assert await in_state(fleet, deployment) == [name]
        await fleet.arrive(name)
        await fleet.step()


async def test_a_rollback_has_none_of_the_brakes_of_what_it_undoes(fleet: Fleet) -> None:
    await zones(fleet)
    await fleet.trigger(
        batch_size=4,
        waves=(4,),
        wave_pause="manual",
        min_healthy_time=30,
        max_unavailable=4,
        spread_by="zone",
        retries=3,
        deadline=1000,
    )
    rollback = await fleet.roll_back()
    assert (rollback.window, rollback.waves, rollback.share, rollback.max_unavailable) == (4, (4,), None, None)
    assert rollback.timers.deadline_at is None
    assert (rollback.policy.min_healthy_time, rollback.policy.retries) == (0, 0)


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


async def test_one_that_is_not_healthy_is_found_wherever_in_the_order_it_stands(fleet: Fleet) -> None:
    names = [f"a{number:03}" for number in range(200)]
    await fleet.running(*names)
    await fleet.report("a150", Status.FAILED)
    deployment = await fleet.trigger(max_unavailable=1, update_timeout=60)
    assert await in_state(fleet, deployment) == ["a150"]
    await fleet.report("a180", Status.DEGRADED)
    await fleet.arrive("a150")
    await fleet.step()
    assert await in_state(fleet, deployment) == ["a180"]
    await fleet.arrive("a180")
    await fleet.step()
    assert await in_state(fleet, deployment) == ["a000"]


async def test_a_report_between_two_attempts_shows_that_the_state_was_read(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.trigger(retries=1, update_timeout=60)
    fleet.clock.advance(60)
    await fleet.step()
    told = await fleet.instance("a")
    await fleet.report("a", Status.HEALTHY, V1, observed=told.generation)
    await fleet.abort()
    assert (await fleet.instance("a")).desired == V2, "it is not told its earlier state"


async def test_a_failed_attempt_is_not_forgotten_by_a_decommission(fleet: Fleet) -> None:
    """Found in review: its mark was taken off, and the target was deaf until its timeout."""
    await fleet.running("a", "b", "c")
    deployment = await fleet.trigger(batch_size=3, retries=1)
    await fleet.fail("a")
    await fleet.decommission("b", force=True)
    await fleet.step()
    assert (await fleet.states(deployment))["a"] == "updating: attempt 1 of 2 failed: reported FAILED"
    fleet.clock.advance(BACKOFF)
    await fleet.step()
    await fleet.arrive("a")
    await fleet.step()
    assert (await fleet.states(deployment))["a"] == "succeeded"


async def test_spread_by_is_named_for_as_long_as_it_holds(fleet: Fleet) -> None:
    await zones(fleet)
    await fleet.trigger(batch_size=4, spread_by="zone")
    await fleet.arrive("b1", "c1")
    for _ in range(3):
        assert held_by(await fleet.step()) == "spread_by"
    await fleet.arrive("a1", "a2")
    assert held_by(await fleet.step()) is None, "a3 is told, and nobody waits"


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
