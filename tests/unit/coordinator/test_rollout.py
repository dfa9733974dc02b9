"""Whole rollouts, by heartbeats and steps."""

import pytest

from dides.model.deployment import DeploymentStatus, Kind, TargetState
from dides.model.state import State, Status
from dides.protocol.messages import Heartbeat
from support.hand_fleet import V1, V2, V3, Fleet


async def test_a_rollout_succeeds_a_window_at_a_time(fleet: Fleet) -> None:
    await fleet.running("a", "b", "c", "d", "e")
    deployment = await fleet.trigger(batch_size=2)
    for arriving, updating in [("a", {"b", "c"}), ("b", {"c", "d"}), ("c", {"d", "e"})]:
        await fleet.arrive(arriving)
        deployment = await fleet.step()
        states = await fleet.states(deployment)
        assert {name for name, state in states.items() if state == "updating"} == updating
    await fleet.arrive("d", "e")
    deployment = await fleet.step()
    assert deployment.status is DeploymentStatus.COMPLETED
    assert deployment.reason == "5 of 5 at the target"
    assert deployment.finished_at == fleet.clock.now()
    assert set((await fleet.states(deployment)).values()) == {"succeeded"}


async def test_a_heartbeat_that_matters_makes_a_step_due_and_others_do_not(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await fleet.trigger()
    assert not (await fleet.report("a", Status.DEGRADED, V1, message="applying")).step_due
    assert not (await fleet.report("b", Status.FAILED, V1)).step_due
    assert (await fleet.report("a", Status.HEALTHY, V2)).step_due


async def test_without_observed_any_report_since_the_telling_counts(fleet: Fleet) -> None:
    await fleet.running("a")
    deployment = await fleet.trigger()
    await fleet.report("a", Status.HEALTHY, V1)
    assert (await fleet.step()).in_flight, "still at the old version"
    await fleet.report("a", Status.HEALTHY, V2)
    await fleet.step()
    assert await fleet.states(deployment) == {"a": "succeeded"}


async def test_with_observed_only_the_generation_of_the_telling_counts(fleet: Fleet) -> None:
    await fleet.running("a")
    deployment = await fleet.trigger()
    generation = (await fleet.instance("a")).generation
    await fleet.report("a", Status.FAILED, V1, observed=generation - 1)
    await fleet.report("a", Status.HEALTHY, V2, observed=generation + 1)
    assert (await fleet.step()).in_flight
    await fleet.report("a", Status.HEALTHY, V2, observed=generation)
    await fleet.step()
    assert await fleet.states(deployment) == {"a": "succeeded"}


async def test_the_threshold_trips_and_rolls_back_in_the_same_step(fleet: Fleet) -> None:
    await fleet.running("a", "b", "c", "d")
    failed = await fleet.trigger(batch_size=2, failure_threshold=1)
    await fleet.arrive("a")
    await fleet.step()
    await fleet.fail("b", "no such port")
    failed = await fleet.step()
    assert failed.status is DeploymentStatus.FAILED
    assert "threshold 1" in failed.reason
    assert await fleet.states(failed) == {
        "a": "succeeded",
        "b": "failed: reported FAILED",
        "c": "skipped: stopped while updating",
        "d": "skipped: not started",
    }
    assert (await fleet.target(failed, "b")).message == "no such port"
    rollback = await fleet.in_flight()
    assert (rollback.kind, rollback.rollback_of, failed.rolled_back_by) == (Kind.ROLLBACK, failed.id, rollback.id)
    assert [each.instance for each in await fleet.targets(rollback)] == ["b", "a", "c"], "the failed one first"
    assert await fleet.states(rollback) == {"b": "updating", "a": "updating", "c": "pending"}
    assert (await fleet.instance("b")).desired == V1


async def test_the_rollback_returns_everyone_to_what_they_had(fleet: Fleet) -> None:
    await fleet.running("a", "b", "c", state=V1)
    await fleet.running("d", state=V3)
    await fleet.trigger(batch_size=4)
    await fleet.arrive("a", "b")
    await fleet.fail("c")
    await fleet.step()
    rollback = await fleet.in_flight()
    await fleet.arrive("a", "b", "c", "d")
    rollback = await fleet.step()
    assert rollback.status is DeploymentStatus.COMPLETED
    assert rollback.reason == "4 of 4 instances restored"
    assert [(await fleet.instance(name)).current for name in "abcd"] == [V1, V1, V1, V3]


async def test_failures_under_the_threshold_free_their_slots(fleet: Fleet) -> None:
    await fleet.running("a", "b", "c")
    await fleet.trigger(failure_threshold=2)
    await fleet.fail("a")
    deployment = await fleet.step()
    assert await fleet.states(deployment) == {"a": "failed: reported FAILED", "b": "updating", "c": "pending"}
    for name in ("b", "c"):
        await fleet.arrive(name)
        deployment = await fleet.step()
    assert deployment.status is DeploymentStatus.COMPLETED
    assert deployment.reason == "2 of 3 at the target, 1 failed"


async def test_without_auto_rollback_a_trip_is_the_end(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await fleet.trigger(auto_rollback=False)
    await fleet.fail("a")
    deployment = await fleet.step()
    assert deployment.status is DeploymentStatus.FAILED
    assert deployment.rolled_back_by is None
    assert (await fleet.instance("a")).desired == V2
    assert await fleet.states(deployment) == {"a": "failed: reported FAILED", "b": "skipped: not started"}


async def test_failures_in_a_rollback_are_recorded_and_do_not_stop_it(fleet: Fleet) -> None:
    await fleet.running("a", "b", "c")
    await fleet.trigger(batch_size=3)
    await fleet.fail("a")
    await fleet.step()
    for name in ("a", "b"):
        await fleet.fail(name)
    rollback = await fleet.step()
    assert rollback.in_flight
    await fleet.arrive("c")
    rollback = await fleet.step()
    assert rollback.status is DeploymentStatus.FAILED
    assert rollback.reason == "1 of 3 instances restored, 2 failed"
    assert rollback.rolled_back_by is None


async def test_an_update_that_takes_too_long_has_failed(fleet: Fleet) -> None:
    await fleet.running("a")
    deployment = await fleet.trigger(update_timeout=60, auto_rollback=False)
    await fleet.report("a", Status.DEGRADED, V1, message="applying")
    fleet.clock.advance(59.999)
    assert (await fleet.step()).in_flight
    fleet.clock.advance(0.001)
    await fleet.step()
    assert await fleet.states(deployment) == {"a": "failed: timed out: not HEALTHY at the target in time"}
    assert (await fleet.target(deployment, "a")).message == "applying"


async def test_one_that_is_lost_after_it_was_told_keeps_its_slot_until_the_timeout(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    deployment = await fleet.trigger(update_timeout=60, auto_rollback=False, failure_threshold=2)
    await fleet.silence("a")
    await fleet.step()
    assert await fleet.states(deployment) == {"a": "updating", "b": "pending"}
    fleet.clock.advance(60)
    await fleet.step()
    assert await fleet.states(deployment) == {"a": "failed: lost: silent since it was told", "b": "updating"}


async def test_one_that_had_succeeded_and_then_fails_has_failed(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    deployment = await fleet.trigger(auto_rollback=False)
    await fleet.arrive("a")
    await fleet.step()
    await fleet.fail("a", "crashed later")
    tripped = await fleet.step()
    assert tripped.status is DeploymentStatus.FAILED
    assert await fleet.states(deployment) == {
        "a": "failed: reported FAILED after it had succeeded",
        "b": "skipped: stopped while updating",
    }
    assert (await fleet.target(deployment, "a")).message == "crashed later"


async def test_one_that_fails_after_the_end_changes_nothing(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.trigger()
    await fleet.arrive("a")
    ended = await fleet.step()
    await fleet.fail("a")
    assert await fleet.deployment(ended.id) == ended
    assert await fleet.states(ended) == {"a": "succeeded"}


async def test_an_acknowledged_failure_is_not_forgotten_because_another_heartbeat_came_first(fleet: Fleet) -> None:
    await fleet.running("a")
    deployment = await fleet.trigger(auto_rollback=False)
    await fleet.fail("a", "the first word")
    await fleet.report("a", Status.DEGRADED, V2, message="restarting")
    await fleet.arrive("a")
    await fleet.step()
    assert (await fleet.target(deployment, "a")).message == "the first word"
    assert await fleet.states(deployment) == {"a": "failed: reported FAILED"}
    assert (await fleet.instance("a")).status is Status.HEALTHY, "the instance is as it said last"


async def test_nor_when_both_come_in_one_batch(fleet: Fleet) -> None:
    await fleet.running("a")
    deployment = await fleet.trigger(auto_rollback=False)
    failed = Heartbeat(status=Status.FAILED, code_version="2", message="boom")
    await fleet.ingest_batch(("a", failed), ("a", Heartbeat(status=Status.HEALTHY, code_version="2")))
    await fleet.step()
    assert await fleet.states(deployment) == {"a": "failed: reported FAILED"}


async def test_one_that_was_failed_before_it_was_told_may_be_mended(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.report("a", Status.FAILED, V1)
    deployment = await fleet.trigger()
    await fleet.report("a", Status.FAILED, V1)
    assert (await fleet.step()).in_flight, "the failure is old news"
    await fleet.report("a", Status.HEALTHY, V2)
    await fleet.step()
    assert await fleet.states(deployment) == {"a": "succeeded"}


async def test_one_that_was_failed_mends_and_fails_again_has_failed(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.report("a", Status.FAILED, V1)
    deployment = await fleet.trigger(auto_rollback=False)
    await fleet.report("a", Status.DEGRADED, V1)
    await fleet.report("a", Status.FAILED, V2)
    await fleet.step()
    assert await fleet.states(deployment) == {"a": "failed: reported FAILED"}


@pytest.mark.parametrize(("observed", "expected"), [(False, "updating"), (True, "failed: reported FAILED")])
async def test_with_observed_a_failure_is_about_this_telling(fleet: Fleet, observed: bool, expected: str) -> None:
    await fleet.running("a")
    await fleet.report("a", Status.FAILED, V1)
    deployment = await fleet.trigger(auto_rollback=False)
    generation = (await fleet.instance("a")).generation
    if observed:
        await fleet.report("a", Status.FAILED, V1, observed=generation)
    else:
        await fleet.report("a", Status.FAILED, V1)
    await fleet.step()
    assert await fleet.states(deployment) == {"a": expected}


async def test_marks_that_gather_are_taken_together(fleet: Fleet) -> None:
    await fleet.running("a", "b", "c", "d")
    await fleet.trigger(batch_size=3)
    await fleet.arrive("a", "b", "c")
    deployment = await fleet.step()
    assert (deployment.counts.succeeded, deployment.counts.updating) == (3, 1)
    states = [each.state for each in await fleet.targets(deployment)]
    assert states == [TargetState.SUCCEEDED] * 3 + [TargetState.UPDATING]


async def test_a_managed_configuration_must_arrive_too(fleet: Fleet) -> None:
    await fleet.running("a", state=State("1", "x"))
    deployment = await fleet.trigger(State("2", "y"))
    await fleet.report("a", Status.HEALTHY, State("2", "x"))
    assert (await fleet.step()).in_flight
    await fleet.report("a", Status.HEALTHY, State("2", "y"))
    await fleet.step()
    assert await fleet.states(deployment) == {"a": "succeeded"}
