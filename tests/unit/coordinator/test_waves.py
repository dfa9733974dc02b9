"""Waves over the real store: sizes, soaks, promotion, and what stands still."""

from typing import Any

import pytest

from dides.engine.window import HEALTH, PROMOTE, SOAK, held_by
from dides.model.deployment import Deployment, DeploymentStatus
from dides.model.errors import ConflictError, NotFoundError
from dides.model.state import Status
from support.hand_fleet import SETTINGS, V2, Fleet

FIVE = ("a", "b", "c", "d", "e")
RUNNING, FAILED = DeploymentStatus.RUNNING, DeploymentStatus.FAILED


async def updating(fleet: Fleet, deployment: Deployment) -> list[str]:
    return [name for name, state in (await fleet.states(deployment)).items() if state == "updating"]


async def open_wave(fleet: Fleet) -> tuple[int, str | None]:
    deployment = await fleet.in_flight()
    return deployment.wave.open, held_by(deployment)


async def test_a_wave_starts_its_count_and_the_next_one_opens_when_none_is_updating(fleet: Fleet) -> None:
    await fleet.running(*FIVE)
    deployment = await fleet.trigger(batch_size=5, waves=(1, "60%"))
    assert deployment.waves == (1, 3, 5)
    assert await updating(fleet, deployment) == ["a"]
    assert held_by(deployment) == "wave"
    await fleet.arrive("a")
    await fleet.steps()
    assert await updating(fleet, deployment) == ["b", "c"]
    await fleet.arrive("b")
    await fleet.steps()
    assert await updating(fleet, deployment) == ["c"], "the wave is not over while one is updating"
    await fleet.arrive("c")
    await fleet.steps()
    assert await updating(fleet, deployment) == ["d", "e"]
    await fleet.arrive("d", "e")
    assert (await fleet.step()).status is DeploymentStatus.COMPLETED
    assert [event.data for event in await fleet.events("wave.opened")] == [
        {"open": 2, "of": 3},
        {"open": 3, "of": 3},
    ]


async def test_a_wave_soaks_and_a_canary_that_dies_meanwhile_stops_the_rollout(fleet: Fleet) -> None:
    await fleet.running(*FIVE)
    deployment = await fleet.trigger(batch_size=5, waves=(1,), wave_pause=60, failure_threshold=3)
    await fleet.arrive("a")
    await fleet.steps()
    assert await open_wave(fleet) == (1, "soak")
    fleet.clock.advance(59.999)
    await fleet.steps()
    assert await updating(fleet, deployment) == []
    await fleet.fail("a")
    failed = await fleet.step()
    assert (failed.status, failed.counts.failed, failed.counts.skipped) == (FAILED, 1, 4)
    assert "no target succeeded: the only target that started in wave 1 of 2 failed" in failed.reason


async def test_the_soak_ends_in_its_time(fleet: Fleet) -> None:
    await fleet.running(*FIVE)
    deployment = await fleet.trigger(batch_size=5, waves=(1,), wave_pause=60)
    await fleet.arrive("a")
    stepped = await fleet.stepped()
    assert stepped.next_deadline == fleet.clock.now() + 60_000
    fleet.clock.advance(60)
    await fleet.steps()
    assert await updating(fleet, deployment) == ["b", "c", "d", "e"]


async def test_a_soak_stands_still_in_a_pause_and_in_an_outage(fleet: Fleet) -> None:
    await fleet.running(*FIVE)
    await fleet.trigger(batch_size=5, waves=(1,), wave_pause=60)
    await fleet.arrive("a")
    await fleet.steps()
    fleet.clock.advance(50)
    await fleet.pause()
    fleet.clock.advance(1000)
    await fleet.resume()
    await fleet.steps()
    assert await open_wave(fleet) == (1, "soak")
    await fleet.restart(after=1000)
    fleet.clock.advance(SETTINGS.time_to_live - 0.001)
    await fleet.steps()
    assert await open_wave(fleet) == (1, "soak"), "not before one time to live has shown who is still there"
    fleet.clock.advance(0.001)
    await fleet.steps()
    assert (await open_wave(fleet))[0] == 2


async def test_a_soak_begins_once_the_pause_is_over(fleet: Fleet) -> None:
    await fleet.running(*FIVE)
    await fleet.trigger(batch_size=5, waves=(1,), wave_pause=60)
    await fleet.pause()
    await fleet.arrive("a")
    await fleet.step()
    fleet.clock.advance(1000)
    await fleet.resume()
    await fleet.steps()
    assert await open_wave(fleet) == (1, "soak")


async def test_a_manual_wave_waits_for_its_promotion(fleet: Fleet) -> None:
    await fleet.running(*FIVE)
    deployment = await fleet.trigger(batch_size=5, waves=(1, 2), wave_pause="manual")
    with pytest.raises(ConflictError, match=r"Wave 1 of 3 .* still being rolled out"):
        await fleet.promote()
    await fleet.arrive("a")
    await fleet.steps()
    assert await open_wave(fleet) == (1, "promote")
    fleet.clock.advance(100_000)
    await fleet.steps()
    assert await open_wave(fleet) == (1, "promote")
    await fleet.promote()
    assert await updating(fleet, deployment) == ["b"]
    await fleet.arrive("b")
    await fleet.promote()
    assert await updating(fleet, deployment) == ["c", "d", "e"]
    with pytest.raises(ConflictError, match="no further wave"):
        await fleet.promote()
    assert [event.actor for event in await fleet.events("wave.promoted")] == ["anna", "anna"]


async def test_a_soak_may_be_cut_short_by_a_promotion(fleet: Fleet) -> None:
    await fleet.running(*FIVE)
    deployment = await fleet.trigger(batch_size=5, waves=(1,), wave_pause=3600)
    await fleet.arrive("a")
    await fleet.promote()
    assert await updating(fleet, deployment) == ["b", "c", "d", "e"]


async def test_a_promotion_first_judges_the_wave_by_its_own_threshold(fleet: Fleet) -> None:
    await fleet.running(*FIVE)
    await fleet.trigger(batch_size=5, waves=(2,), wave_pause="manual", failure_threshold="50%")
    await fleet.arrive("a", "b")
    await fleet.steps()
    await fleet.fail("a", "died in the soak")
    promoted = await fleet.promote()
    assert (promoted.status, promoted.wave.open) == (FAILED, 1)


async def test_there_is_nothing_to_promote_without_a_deployment(fleet: Fleet) -> None:
    with pytest.raises(NotFoundError):
        await fleet.promote()


async def test_a_percentage_threshold_is_of_the_open_wave(fleet: Fleet) -> None:
    await fleet.running(*FIVE)
    failed = await fleet.trigger(batch_size=5, waves=(2,), failure_threshold="40%")
    await fleet.fail("a")
    assert (await fleet.step()).status is FAILED, "40% of a wave of 2 is 1, of all 5 it would be 2"
    assert (await fleet.deployment(failed.id)).rolled_back_by is not None


async def test_the_last_wave_without_a_success_stops_the_rollout_too(fleet: Fleet) -> None:
    await fleet.running(*FIVE)
    deployment = await fleet.trigger(batch_size=5, waves=(1,), failure_threshold="100%")
    await fleet.arrive("a")
    await fleet.steps()
    await fleet.fail("b")
    await fleet.fail("c")
    await fleet.fail("d")
    await fleet.step()
    await fleet.fail("e")
    await fleet.step()
    failed = await fleet.deployment(deployment.id)
    assert (failed.status, failed.counts.failed) == (FAILED, 4)
    assert "none of the 4 targets that started in wave 2 of 2 succeeded" in failed.reason


async def test_a_canary_that_dies_later_is_no_success_less_of_the_next_wave(fleet: Fleet) -> None:
    await fleet.running(*FIVE)
    deployment = await fleet.trigger(batch_size=5, waves=(1, 2), failure_threshold=5)
    await fleet.arrive("a")
    await fleet.steps()
    await fleet.arrive("b")
    await fleet.fail("a")
    await fleet.steps()
    after = await fleet.deployment(deployment.id)
    assert (after.status, after.wave.open, after.counts.failed) == (RUNNING, 3, 1)


async def test_one_that_joins_late_is_in_the_last_wave(fleet: Fleet) -> None:
    await fleet.running("a", "b", "d")
    deployment = await fleet.trigger(batch_size=5, waves=(1, 2))
    await fleet.register("c")
    await fleet.arrive("a")
    await fleet.steps()
    assert await updating(fleet, deployment) == ["b"]
    await fleet.arrive("b")
    await fleet.steps()
    assert await updating(fleet, deployment) == ["d", "c"]


async def test_unreachable_and_settled_targets_are_not_in_a_waves_count(fleet: Fleet) -> None:
    await fleet.running(*FIVE)
    await fleet.report("a", Status.HEALTHY, V2)
    await fleet.silence("b")
    deployment = await fleet.trigger(batch_size=5, waves=(2,))
    assert await updating(fleet, deployment) == ["c", "d"]


async def test_a_wave_that_cannot_be_filled_waits_for_its_promotion_before_it_gives_the_unreachable_up(
    fleet: Fleet,
) -> None:
    await fleet.running(*FIVE)
    await fleet.silence("c", "d", "e")
    deployment = await fleet.trigger(batch_size=5, waves=(3,), wave_pause="manual")
    await fleet.arrive("a", "b")
    await fleet.steps()
    waiting = await fleet.deployment(deployment.id)
    assert (waiting.status, held_by(waiting)) == (DeploymentStatus.RUNNING, PROMOTE)
    await fleet.promote()
    assert (await fleet.deployment(deployment.id)).status is DeploymentStatus.COMPLETED


async def test_the_deadline_stands_still_while_a_wave_waits_for_its_promotion(fleet: Fleet) -> None:
    await fleet.running(*FIVE)
    deployment = await fleet.trigger(batch_size=5, waves=(1,), wave_pause="manual", deadline=100)
    await fleet.arrive("a")
    await fleet.steps()
    fleet.clock.advance(1_000)
    await fleet.steps()
    await fleet.promote()
    opened = await fleet.deployment(deployment.id)
    assert opened.status is DeploymentStatus.RUNNING
    assert opened.timers.deadline_at == deployment.created_at + 1_100_000


async def test_a_soaked_wave_waits_until_its_successes_are_healthy_again(fleet: Fleet) -> None:
    await fleet.running(*FIVE)
    deployment = await fleet.trigger(batch_size=5, waves=(1,), wave_pause=10)
    await fleet.arrive("a")
    await fleet.steps()
    await fleet.report("a", Status.DEGRADED)
    fleet.clock.advance(10)
    await fleet.steps()
    assert await open_wave(fleet) == (1, HEALTH)
    assert [event.data["waits_for"] for event in await fleet.events("wave.held")] == [["a"]]
    await fleet.report("a", Status.HEALTHY)
    await fleet.steps()
    assert await updating(fleet, deployment) == ["b", "c", "d", "e"]


async def test_health_holds_a_wave_no_longer_than_update_timeout(fleet: Fleet) -> None:
    await fleet.running(*FIVE)
    await fleet.trigger(batch_size=5, waves=(1,), wave_pause=60, update_timeout=30)
    await fleet.arrive("a")
    await fleet.steps()
    fleet.clock.advance(40)
    await fleet.report("a", Status.DEGRADED)
    fleet.clock.advance(20)
    await fleet.steps()
    assert await open_wave(fleet) == (1, HEALTH)
    fleet.clock.advance(29)
    await fleet.steps()
    assert await open_wave(fleet) == (1, HEALTH)
    fleet.clock.advance(1)
    await fleet.steps()
    assert (await fleet.in_flight()).wave.open == 2, "it began later than update_timeout after the success"


@pytest.mark.parametrize("policy", [{"wave_pause": 60}, {"wave_pause": "manual"}])
async def test_a_promotion_names_who_it_passes_over(fleet: Fleet, policy: dict[str, Any]) -> None:
    await fleet.running(*FIVE)
    await fleet.trigger(batch_size=5, waves=(1,), **policy)
    await fleet.arrive("a")
    await fleet.steps()
    await fleet.silence("a")
    if policy["wave_pause"] == "manual":
        await fleet.promote()
        assert await open_wave(fleet) == (1, HEALTH), "the first promotion waits for the health of what succeeded"
    else:
        assert await open_wave(fleet) == (1, SOAK)
    await fleet.promote()
    assert (await fleet.in_flight()).wave.open == 2
    assert (await fleet.events("wave.promoted"))[-1].data == {"wave": 1, "passed_over": ["a"]}


async def test_waves_of_unreachable_instances_end_by_themselves_after_the_soak(fleet: Fleet) -> None:
    await fleet.running(*FIVE)
    await fleet.silence("b", "c", "d", "e")
    deployment = await fleet.trigger(batch_size=5, waves=(1, 3), wave_pause=10)
    await fleet.arrive("a")
    await fleet.steps()
    assert await open_wave(fleet) == (1, SOAK)
    fleet.clock.advance(10)
    await fleet.steps()
    ended = await fleet.deployment(deployment.id)
    assert (ended.status, ended.reason) == (DeploymentStatus.COMPLETED, "1 of 5 at the target, 4 unreachable")


async def test_withdrawn_targets_leave_the_base_of_a_percentage_threshold(fleet: Fleet) -> None:
    names = [f"web-{number}" for number in range(10)]
    await fleet.running(*names)
    deployment = await fleet.trigger(failure_threshold="50%")
    for name in names[3:]:
        await fleet.decommission(name)
    await fleet.fail("web-0")
    await fleet.steps()
    assert (await fleet.deployment(deployment.id)).in_flight, "1 of 3 is under 50 %"
    await fleet.fail("web-1")
    await fleet.steps()
    assert (await fleet.deployment(deployment.id)).status is FAILED


async def test_those_that_joined_and_failed_stop_others_that_joined_and_nothing_else(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    deployment = await fleet.trigger(failure_threshold=1)
    await fleet.register("x", "y")
    await fleet.arrive("a")
    await fleet.steps()
    await fleet.arrive("b")
    await fleet.steps()
    await fleet.fail("x")
    await fleet.steps()
    ended = await fleet.deployment(deployment.id)
    assert (ended.status, ended.counts.failed) == (DeploymentStatus.COMPLETED, 1)
    assert (await fleet.states(deployment))["y"].startswith("skipped: not started: too many instances that joined")
