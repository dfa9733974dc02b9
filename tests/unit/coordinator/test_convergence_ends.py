"""Convergence when something comes between: each of these once went wrong."""

from dides.coordinator.transactions.registration import relabel
from dides.model.deployment import DeploymentStatus
from dides.model.state import Status
from support.hand_fleet import V1, V2, V3, Fleet


async def missed(fleet: Fleet, *names: str) -> None:
    """Complete a deployment of V2, window 1, while these instances at V1 are away."""
    await fleet.running("present", *names)
    await fleet.silence(*names)
    await fleet.trigger(V2, batch_size=1, update_timeout=60.0)
    await fleet.arrive("present")
    assert (await fleet.step()).status is DeploymentStatus.COMPLETED


async def both_return(fleet: Fleet) -> None:
    """Let a and b return: a is told V2, b waits for its turn."""
    await missed(fleet, "a", "b")
    await fleet.report("a", Status.HEALTHY, V1)
    await fleet.report("b", Status.HEALTHY, V1)
    assert (await fleet.instance("a")).desired == V2
    assert (await fleet.instance("b")).desired is None


async def test_an_undone_state_is_not_given_to_those_who_wait_for_it(fleet: Fleet) -> None:
    await both_return(fleet)
    await fleet.roll_back()
    await fleet.arrive("present")
    await fleet.step()
    await fleet.arrive("a")
    assert (await fleet.instance("b")).desired is None


async def test_an_undone_state_is_taken_from_those_who_inherited_it(fleet: Fleet) -> None:
    await both_return(fleet)
    await fleet.roll_back()
    assert (await fleet.instance("a")).desired is None


async def test_who_inherited_an_undone_state_inherits_the_one_before(fleet: Fleet) -> None:
    await fleet.running("present", "a")
    assert (await fleet.trigger(V1)).status is DeploymentStatus.COMPLETED
    await fleet.silence("a")
    await fleet.trigger(V2)
    await fleet.arrive("present")
    await fleet.step()
    await fleet.report("a", Status.HEALTHY, V1)
    assert (await fleet.instance("a")).desired == V2
    await fleet.roll_back()
    await fleet.arrive("present")
    await fleet.step()
    await fleet.silence()
    assert (await fleet.instance("a")).desired == V1


async def test_the_next_is_admitted_when_the_one_before_is_decommissioned(fleet: Fleet) -> None:
    await both_return(fleet)
    await fleet.decommission("a")
    await fleet.silence()
    assert (await fleet.instance("b")).desired == V2


async def test_the_next_is_admitted_when_a_deployment_tells_the_one_before(fleet: Fleet) -> None:
    await both_return(fleet)
    await fleet.run(lambda tx: relabel(tx, "a", {"env": "test"}, "anna"))
    await fleet.trigger(V3, labels={"env": "test"})
    await fleet.silence()
    assert (await fleet.instance("b")).desired == V2


async def test_another_machine_under_a_known_name_waits_for_its_turn(fleet: Fleet) -> None:
    await both_return(fleet)
    await fleet.silence("b")
    await fleet.register("b")
    assert (await fleet.instance("b")).desired is None
    await fleet.arrive("a")
    assert (await fleet.instance("b")).desired == V2


async def test_an_outage_moves_the_deadlines_of_converging_instances(fleet: Fleet) -> None:
    await both_return(fleet)
    await fleet.restart(after=1000)
    await fleet.silence()
    assert fleet.assigned == set()


async def test_a_waiting_instance_that_falls_silent_loses_its_turn(fleet: Fleet) -> None:
    await missed(fleet, "a", "b", "c")
    for name in "abc":
        await fleet.report(name, Status.HEALTHY, V1)
    await fleet.silence("b")
    await fleet.arrive("a")
    assert fleet.assigned == {"c"}


async def test_a_moments_silence_does_not_pull_back_what_a_later_deployment_told(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    await fleet.trigger(V2, batch_size=2)
    await fleet.arrive("a", "b")
    await fleet.step()
    await fleet.trigger(V3, auto_rollback=False)
    await fleet.arrive("a")
    await fleet.step()
    await fleet.fail("b")
    assert (await fleet.step()).status is DeploymentStatus.FAILED
    await fleet.silence("a")
    await fleet.report("a", Status.HEALTHY, V3)
    assert (await fleet.instance("a")).desired == V3


async def test_what_was_missed_before_an_aborted_deployment_is_not_lost(fleet: Fleet) -> None:
    await missed(fleet, "a")
    await fleet.trigger(V3)
    await fleet.report("a", Status.HEALTHY, V1)
    await fleet.abort()
    await fleet.silence()
    assert (await fleet.instance("a")).desired == V2


async def test_a_target_of_the_deployment_in_flight_waits_for_that_one(fleet: Fleet) -> None:
    await missed(fleet, "a")
    await fleet.trigger(V3)
    await fleet.report("a", Status.HEALTHY, V1)
    assert (await fleet.instance("a")).desired is None


async def test_a_state_that_was_inherited_is_what_a_later_rollback_returns_to(fleet: Fleet) -> None:
    await missed(fleet, "a")
    await fleet.report("a", Status.HEALTHY, V1)
    await fleet.arrive("a")
    await fleet.trigger(V3, batch_size=2)
    await fleet.fail("a")
    await fleet.step()
    assert (await fleet.instance("a")).desired == V2


async def test_one_that_was_away_and_then_returned_by_a_rollback_still_inherits(fleet: Fleet) -> None:
    await missed(fleet, "a")
    await fleet.trigger(V3, batch_size=2)
    await fleet.report("a", Status.HEALTHY, V1)
    await fleet.step()
    await fleet.fail("a")
    await fleet.step()
    await fleet.arrive("a", "present")
    await fleet.step()
    await fleet.silence("a")
    await fleet.report("a", Status.HEALTHY, V1)
    assert (await fleet.instance("a")).desired == V2


async def test_one_that_was_told_and_stopped_before_it_read_anything_keeps_its_place(fleet: Fleet) -> None:
    """Found in review: it got its earlier state back, and was never told what it had missed."""
    await missed(fleet, "a")
    await fleet.trigger(V3)
    await fleet.report("a", Status.HEALTHY, V1)
    await fleet.arrive("present")
    await fleet.step()
    assert (await fleet.instance("a")).desired == V3
    await fleet.abort()
    await fleet.silence()
    assert (await fleet.instance("a")).desired == V2


async def test_one_that_has_read_what_it_was_told_has_no_place_any_more(fleet: Fleet) -> None:
    await missed(fleet, "a")
    await fleet.trigger(V3)
    await fleet.report("a", Status.HEALTHY, V1)
    await fleet.arrive("present")
    await fleet.step()
    assigned = await fleet.instance("a")
    await fleet.report("a", Status.DEGRADED, V1, observed=assigned.generation)
    await fleet.abort()
    await fleet.silence()
    assert (await fleet.instance("a")).desired == V3
