"""A success can end while its deployment is in flight, and what is said of the targets is true when it is said."""

from typing import Any

import pytest

from dides.model.deployment import Deployment, DeploymentStatus
from dides.model.state import NOTHING, Status
from support.hand_fleet import V1, V2, Fleet

RUNNING, FAILED, COMPLETED = DeploymentStatus.RUNNING, DeploymentStatus.FAILED, DeploymentStatus.COMPLETED
SOAK: dict[str, Any] = {"waves": (1,), "wave_pause": 60}


async def canary_succeeds(fleet: Fleet, wave_pause: float) -> Deployment:
    """Trigger a deployment whose canary `a` succeeds; a success that is lost fails it after 60 s."""
    await fleet.running("a", "b")
    deployment = await fleet.trigger(waves=(1,), wave_pause=wave_pause, update_timeout=60, auto_rollback=False)
    await fleet.arrive("a")
    await fleet.steps()
    return deployment


async def fails_after(fleet: Fleet, deployment: Deployment, seconds: int) -> None:
    """Check that a deployment fails after so many seconds from now, and not before."""
    fleet.clock.advance(seconds - 1)
    await fleet.steps()
    assert (await fleet.deployment(deployment.id)).status is RUNNING
    fleet.clock.advance(1)
    await fleet.steps()
    assert (await fleet.deployment(deployment.id)).status is FAILED


@pytest.mark.parametrize("status", [Status.FAILED, Status.HEALTHY, Status.DEGRADED])
async def test_a_canary_that_falls_back_in_the_soak_fails_its_deployment(fleet: Fleet, status: Status) -> None:
    await fleet.running("a", "b")
    deployment = await fleet.trigger(**SOAK, auto_rollback=False)
    await fleet.arrive("a")
    await fleet.steps()
    await fleet.report("a", status, V1, observed=(await fleet.instance("a")).generation)
    await fleet.steps()
    ended = await fleet.deployment(deployment.id)
    assert (ended.status, ended.counts.succeeded, ended.counts.failed) == (FAILED, 0, 1)
    said = "reported FAILED" if status is Status.FAILED else "fell back to 1"
    assert (await fleet.states(deployment))["a"] == f"failed: {said} after it had succeeded"


async def test_without_observed_the_same_report_has_to_come_twice(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    deployment = await fleet.trigger(**SOAK, auto_rollback=False)
    await fleet.report("a", Status.HEALTHY, V2)
    await fleet.steps()
    await fleet.report("a", Status.HEALTHY, V1)
    await fleet.steps()
    assert (await fleet.states(deployment))["a"] == "succeeded"
    instance = await fleet.instance("a")
    assert instance.heard != instance.generation, "the next report is stored though it says the same"
    await fleet.report("a", Status.HEALTHY, V1)
    await fleet.steps()
    assert (await fleet.deployment(deployment.id)).status is FAILED


async def test_a_canary_that_is_imaged_anew_fails_its_deployment(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    deployment = await fleet.trigger(**SOAK, auto_rollback=False)
    await fleet.arrive("a")
    await fleet.steps()
    await fleet.silence("a")
    fleet.clock.advance(1)
    assert (await fleet.register("a")).step_due
    await fleet.steps()
    assert (await fleet.deployment(deployment.id)).status is FAILED
    assert "another machine took up its name" in (await fleet.states(deployment))["a"]


async def test_the_same_machine_that_registers_again_stays_a_success(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    proof = fleet.credential("a")
    deployment = await fleet.trigger(**SOAK)
    await fleet.arrive("a")
    await fleet.steps()
    await fleet.register("a", proof=proof)
    await fleet.steps()
    assert (await fleet.states(deployment))["a"] == "succeeded"


@pytest.mark.parametrize("how", ["silent", "degraded", "unknown version"])
async def test_a_success_that_stays_away_for_update_timeout_fails(fleet: Fleet, how: str) -> None:
    deployment = await canary_succeeds(fleet, wave_pause=300)
    generation = (await fleet.instance("a")).generation
    if how == "silent":
        await fleet.silence("a")
    elif how == "degraded":
        await fleet.report("a", Status.DEGRADED, observed=generation)
    else:
        await fleet.report("a", Status.HEALTHY, NOTHING, observed=generation)
    await fails_after(fleet, deployment, 60)


async def test_a_pause_stops_the_time_in_which_a_lapsed_success_may_return(fleet: Fleet) -> None:
    deployment = await canary_succeeds(fleet, wave_pause=600)
    await fleet.silence("a")
    await fleet.pause()
    fleet.clock.advance(100)
    await fleet.steps()
    await fleet.resume()
    await fleet.steps()
    assert (await fleet.deployment(deployment.id)).status is RUNNING
    fleet.clock.advance(60)
    await fleet.steps()
    assert (await fleet.deployment(deployment.id)).status is FAILED


@pytest.mark.parametrize("how", ["pause", "outage of the coordinator"])
async def test_what_stood_still_before_the_silence_was_noticed_is_not_held_against_a_success(
    fleet: Fleet, how: str
) -> None:
    """The pause begins and ends between the last report and the moment at which the silence is declared."""
    deployment = await canary_succeeds(fleet, wave_pause=600)
    if how == "pause":
        await fleet.pause()
        fleet.clock.advance(40)
        await fleet.resume()
    else:
        await fleet.restart(after=40)
    fleet.clock.advance(30)
    await fleet.silence("a")
    await fleet.steps()
    assert (await fleet.states(deployment))["a"] == "succeeded", "70 s after its last report, 40 of which do not count"
    await fails_after(fleet, deployment, 30)


async def test_a_success_that_falls_ill_in_a_pause_has_no_longer_than_update_timeout_after_it(fleet: Fleet) -> None:
    deployment = await canary_succeeds(fleet, wave_pause=600)
    await fleet.pause()
    fleet.clock.advance(50)
    await fleet.report("a", Status.DEGRADED, observed=(await fleet.instance("a")).generation)
    await fleet.resume()
    await fails_after(fleet, deployment, 60)


async def test_an_ending_says_who_is_away_now(fleet: Fleet) -> None:
    await fleet.running("a", "b", "c", "d")
    await fleet.report("d", Status.HEALTHY, V2)
    deployment = await fleet.trigger(batch_size=3)
    await fleet.arrive("a", "b")
    await fleet.steps()
    await fleet.silence("a")
    await fleet.report("b", Status.DEGRADED)
    await fleet.report("d", Status.HEALTHY, V1, observed=(await fleet.instance("d")).generation)
    await fleet.arrive("c")
    await fleet.steps()
    ended = await fleet.deployment(deployment.id)
    assert (ended.status, ended.reason) == (COMPLETED, "1 of 4 at the target, 1 silent since, 1 degraded since")
    assert (await fleet.states(deployment))["d"] == "skipped: already at target, then reported 1"


async def test_a_rollback_counts_who_fell_back_from_what_it_restored(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await fleet.trigger(batch_size=2, failure_threshold=2)
    await fleet.arrive("a")
    await fleet.steps()
    rollback = await fleet.abort(rollback=True)
    rollback = await fleet.in_flight()
    await fleet.arrive("a")
    await fleet.steps()
    await fleet.report("a", Status.HEALTHY, V2, observed=(await fleet.instance("a")).generation)
    await fleet.steps()
    await fleet.arrive("b")
    await fleet.steps()
    ended = await fleet.deployment(rollback.id)
    assert (ended.status, ended.reason) == (FAILED, "1 of 2 instances restored, 1 failed")


async def test_a_success_that_ended_is_no_good_state_to_return_to(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await fleet.trigger(**SOAK, auto_rollback=False)
    await fleet.arrive("a")
    await fleet.steps()
    assert (await fleet.instance("a")).last_good == V2
    await fleet.fail("a")
    await fleet.steps()
    assert (await fleet.instance("a")).last_good == V1


async def test_a_lapsed_success_that_is_decommissioned_holds_nothing_up(fleet: Fleet) -> None:
    await fleet.running("a", "b", "c")
    deployment = await fleet.trigger(batch_size=2, waves=(2,), wave_pause=10)
    await fleet.arrive("a", "b")
    await fleet.steps()
    await fleet.silence("a")
    await fleet.decommission("a")
    fleet.clock.advance(10)
    await fleet.steps()
    assert (await fleet.states(deployment))["c"] == "updating"
