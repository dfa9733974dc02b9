"""What independent reviews found: each of these once went wrong."""

import pytest

from dides.model.deployment import DeploymentStatus
from dides.model.errors import GoneError
from dides.model.state import State, Status
from support.hand_fleet import V1, V2, V3, Fleet

RUNNING = DeploymentStatus.RUNNING


async def test_a_heartbeat_without_a_status_reports_no_failure(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.report("a", Status.FAILED)
    await fleet.trigger(V2)
    await fleet.report("a", observed=(await fleet.instance("a")).generation)
    assert (await fleet.step()).status is RUNNING


async def test_silence_is_no_report_of_another_status(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.report("a", Status.FAILED, V1)
    await fleet.trigger(V2)
    await fleet.silence("a")
    await fleet.report("a")
    await fleet.report("a", Status.FAILED, V1)
    assert (await fleet.step()).status is RUNNING


async def test_a_rollback_does_not_go_to_a_version_that_failed(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await fleet.trigger(V2, auto_rollback=False)
    await fleet.fail("a")
    assert (await fleet.step()).status is DeploymentStatus.FAILED
    await fleet.arrive("a")  # A check turns green for a moment; nobody has said that V2 is good.
    await fleet.trigger(V3)
    await fleet.fail("a")
    await fleet.step()
    assert (await fleet.target(await fleet.in_flight(), "a")).to == V1


@pytest.mark.parametrize("returns_before", [True, False])
async def test_a_missed_version_comes_with_a_deployment_that_names_the_other(
    fleet: Fleet, returns_before: bool
) -> None:
    await fleet.running("a", "b", "c", state=State("1", "A"))
    await fleet.silence("b", "c")
    await fleet.trigger(State(None, "B"))
    await fleet.arrive("a")
    assert (await fleet.step()).status is DeploymentStatus.COMPLETED
    if returns_before:
        await fleet.report("b", Status.HEALTHY)
        await fleet.report("c", Status.HEALTHY)
    await fleet.trigger(State("2"), batch_size=3)
    await fleet.report("b", Status.HEALTHY)
    await fleet.report("c", Status.HEALTHY)
    await fleet.step()
    assert (await fleet.instance("c")).desired == State("2", "B")


async def test_an_heir_of_what_was_undone_is_not_forgotten_when_it_blinks(fleet: Fleet) -> None:
    await fleet.running("a", "c")
    assert (await fleet.trigger(V1)).status is DeploymentStatus.COMPLETED
    await fleet.silence("c")
    await fleet.trigger(V2)
    await fleet.arrive("a")
    await fleet.step()
    await fleet.report("c", Status.HEALTHY, V1)
    await fleet.arrive("c")
    await fleet.roll_back()
    await fleet.silence("c")
    await fleet.arrive("a")
    await fleet.step()
    await fleet.report("c", Status.HEALTHY, V2)
    assert (await fleet.instance("c")).desired == V1


async def test_a_decommissioned_agent_does_not_bring_its_instance_back(fleet: Fleet) -> None:
    await fleet.running("a")
    credential = fleet.credential("a")
    await fleet.decommission("a")
    with pytest.raises(GoneError):
        await fleet.register("a", proof=credential)


async def test_what_was_inherited_and_told_anew_is_kept_when_it_blinks(fleet: Fleet) -> None:
    await fleet.running("a")
    assert (await fleet.trigger(V1)).status is DeploymentStatus.COMPLETED
    await fleet.register("x")
    await fleet.arrive("x")
    await fleet.trigger(V2, batch_size=2)
    await fleet.arrive("a", "x")
    await fleet.abort()
    await fleet.silence("x")
    await fleet.report("x", Status.HEALTHY, V2)
    assert (await fleet.instance("x")).desired == V2
