"""One that had not yet converged when a deployment assigned it goes, once that is undone, where its neighbours go."""

from dides.coordinator.transactions.registration import existing
from dides.model.deployment import DeploymentStatus
from dides.model.state import State, Status
from support.hand_fleet import V1, V2, V3, Fleet


async def desired(fleet: Fleet, *names: str) -> list[State | None]:
    return [(await fleet.instance(name)).desired for name in names]


async def converging(fleet: Fleet, *names: str) -> list[str]:
    """Return who of these waits for what it has missed, or is on its way."""
    instances = [await fleet.instance(name) for name in names]
    found = await fleet.store.read(lambda tx: tx.convergences.of(each.id for each in instances))
    return sorted(each.instance.name for each in found)


async def two_join_late(fleet: Fleet) -> None:
    """Complete a deployment of V1, window 1, on `a`; `n1` and `n2` register, and `n1` is on its way."""
    await fleet.running("a", state=State("0"))
    await fleet.trigger(V1)
    await fleet.arrive("a")
    assert (await fleet.step()).status is DeploymentStatus.COMPLETED
    await fleet.register("n1", "n2")
    assert await desired(fleet, "n1", "n2") == [V1, None]


async def tripped(fleet: Fleet, *arrived: str) -> None:
    """Deploy V2 to all; these arrive, `a` fails, and the rollback begins."""
    await fleet.trigger(V2, batch_size=4)
    await fleet.arrive(*arrived)
    await fleet.step()
    await fleet.fail("a")
    assert (await fleet.step()).status is DeploymentStatus.FAILED


async def all_return(fleet: Fleet, *names: str) -> None:
    await fleet.arrive(*names)
    assert (await fleet.step()).status is DeploymentStatus.COMPLETED
    await fleet.silence()  # What a coordinator does all the time: it lets the next ones converge.


async def test_it_waits_again_once_the_deployment_is_undone(fleet: Fleet) -> None:
    await two_join_late(fleet)
    await tripped(fleet, "n2")
    await all_return(fleet, "a", "n1")
    assert await converging(fleet, "a", "n2") == ["n2"]
    assert (await desired(fleet, "n1", "n2")) == [V1, V1]


async def test_one_that_was_on_its_way_goes_there_too(fleet: Fleet) -> None:
    await fleet.running("n1", state=State("0"), labels={"env": "prod", "late": "yes"})
    await fleet.silence("n1")
    await two_join_late_beside(fleet)
    assert (await fleet.instance("n1")).last_good == State("0")
    await tripped(fleet, "n1")
    await fleet.arrive("a", "n1")
    await fleet.step()
    assert (await fleet.instance("n1")).current == State("0"), "the rollback returns it to what it had"
    await fleet.silence()
    assert await desired(fleet, "n1") == [V1], "and then it goes where its neighbours go"


async def two_join_late_beside(fleet: Fleet) -> None:
    await fleet.running("a", state=State("0"))
    await fleet.trigger(V1)
    await fleet.arrive("a")
    assert (await fleet.step()).status is DeploymentStatus.COMPLETED
    await fleet.report("n1", Status.HEALTHY, State("0"))
    assert await desired(fleet, "n1") == [V1]


async def test_the_rollback_of_a_later_deployment_returns_it_there(fleet: Fleet) -> None:
    await two_join_late(fleet)
    await tripped(fleet, "n2")
    await all_return(fleet, "a", "n1")
    await fleet.arrive("n1", "n2")
    await fleet.trigger(V3, batch_size=4)
    await fleet.fail("n2")
    await fleet.step()
    rollback = await fleet.in_flight()
    assert (await fleet.target(rollback, "n2")).to == V1


async def test_no_more_than_a_window_of_them_go_at_once(fleet: Fleet) -> None:
    await two_join_late(fleet)
    await fleet.register("n3", "n4")
    await tripped(fleet, "n2", "n3")
    await fleet.arrive("a", "n1")
    await fleet.step()
    await fleet.silence()
    moving = [each for each in await desired(fleet, "n2", "n3", "n4") if each is not None]
    assert moving == [V1]
    assert await converging(fleet, "n2", "n3", "n4") == ["n2", "n3", "n4"]


async def test_after_an_abort_it_stays_until_that_is_rolled_back_by_hand(fleet: Fleet) -> None:
    await two_join_late(fleet)
    deployment = await fleet.trigger(V2, batch_size=4)
    await fleet.arrive("n2")
    await fleet.step()
    await fleet.abort()
    await fleet.silence()
    assert (await desired(fleet, "n2"), await converging(fleet, "n2")) == ([V2], [])
    await fleet.roll_back(deployment.id)
    await fleet.arrive("a", "n1")
    await fleet.step()
    await fleet.silence()
    assert (await desired(fleet, "n2"), await converging(fleet, "n2")) == ([V1], ["n2"])


async def test_a_completed_deployment_is_where_it_belongs_until_that_is_undone(fleet: Fleet) -> None:
    await two_join_late(fleet)
    await fleet.trigger(V2, batch_size=4)
    await fleet.arrive("a", "n1", "n2")
    assert (await fleet.step()).status is DeploymentStatus.COMPLETED
    await fleet.silence()
    assert await converging(fleet, "n1", "n2") == []
    await fleet.roll_back()
    await fleet.arrive("a", "n1")
    await fleet.step()
    await fleet.silence()
    assert (await desired(fleet, "n2"), await converging(fleet, "n2")) == ([V1], ["n2"])


async def test_one_found_at_the_target_goes_there_too(fleet: Fleet) -> None:
    await two_join_late(fleet)
    await fleet.report("n2", Status.HEALTHY, V2)
    await tripped(fleet)
    await all_return(fleet, "a", "n1", "n2")
    assert (await desired(fleet, "n2"), await converging(fleet, "n2")) == ([V1], ["n2"])


async def test_one_that_joined_the_deployment_in_flight_goes_there_too(fleet: Fleet) -> None:
    await two_join_late(fleet)
    await fleet.trigger(V2, batch_size=4)
    await fleet.register("n3")
    await fleet.step()
    await fleet.arrive("n3")
    await fleet.fail("a")
    await fleet.step()
    await fleet.arrive("a", "n1", "n2", "n3")
    await fleet.step()
    await fleet.silence()
    assert await desired(fleet, "n3") == [V1]


async def test_one_that_fell_silent_goes_there_when_it_returns(fleet: Fleet) -> None:
    await two_join_late(fleet)
    await tripped(fleet, "n2")
    await fleet.silence("n2")
    await all_return(fleet, "a", "n1")
    assert await converging(fleet, "n2") == []
    await fleet.arrive("n1")
    await fleet.report("n2", Status.HEALTHY, V2)
    assert await desired(fleet, "n2") == [V1]


async def test_one_that_had_converged_is_returned_and_no_more(fleet: Fleet) -> None:
    await two_join_late(fleet)
    await fleet.arrive("n1")
    await fleet.arrive("n2")
    await tripped(fleet, "n1")
    await fleet.arrive("a", "n1", "n2")
    assert (await fleet.step()).status is DeploymentStatus.COMPLETED
    generation = (await fleet.instance("n1")).generation
    await fleet.silence()
    assert await converging(fleet, "n1", "n2") == []
    assert (await fleet.instance("n1")).generation == generation


async def test_after_an_aborted_rollback_only_those_it_has_returned_go_on(fleet: Fleet) -> None:
    await two_join_late(fleet)
    await fleet.trigger(V2, batch_size=1)
    for name in ("a", "n1", "n2"):
        await fleet.arrive(name)
        await fleet.step()
    await fleet.roll_back()
    await fleet.arrive("a")
    await fleet.step()
    await fleet.abort()
    await fleet.silence()
    assert await desired(fleet, "n2") == [V2]


async def test_another_machine_under_a_silent_name_is_never_told_an_aborted_version(fleet: Fleet) -> None:
    """Also while it waits for its turn: it was told that version until it came."""
    await fleet.running("a", "b", state=V1)
    await fleet.trigger(V2, batch_size=2)
    await fleet.arrive("a", "b")
    await fleet.step()
    await fleet.trigger(V3)
    assigned = await fleet.instance("a")
    await fleet.report("a", Status.DEGRADED, V2, observed=assigned.generation)
    await fleet.abort()
    assert await desired(fleet, "a") == [V3]
    await fleet.silence("a")
    joined = await fleet.register("a")
    assert joined.instance.desired == V2
    assert await desired(fleet, "a") == [V2]


async def test_nor_while_it_waits_or_where_there_is_nothing_to_inherit(fleet: Fleet) -> None:
    await fleet.running("a", state=V1)
    await fleet.trigger(V3)
    assigned = await fleet.instance("a")
    await fleet.report("a", Status.DEGRADED, V1, observed=assigned.generation)
    await fleet.abort()
    await fleet.silence("a")
    joined = await fleet.register("a")
    assert (joined.instance.desired, joined.instance.last_good) == (None, None)
    assert joined.instance.generation == assigned.generation + 1, "its agent has to read that"


async def test_what_a_deployment_in_flight_has_told_it_holds(fleet: Fleet) -> None:
    await fleet.running("a", "b", state=V1)
    await fleet.trigger(V3, batch_size=2)
    await fleet.silence("a")
    assert (await fleet.register("a")).instance.desired == V3


async def test_found_at_the_target_is_where_a_rollback_returns_to(fleet: Fleet) -> None:
    await fleet.running("a", state=V1)
    await fleet.trigger(State("1.5.0"))
    await fleet.arrive("a")
    await fleet.step()
    await fleet.report("a", Status.HEALTHY, State("1.6.0"))
    found = await fleet.trigger(State("1.6.0"))
    assert await fleet.states(found) == {"a": "skipped: already at target"}
    await fleet.trigger(V2)
    await fleet.fail("a")
    await fleet.step()
    assert (await fleet.run(lambda tx: existing(tx, "a"))).desired == State("1.6.0")


async def test_one_that_read_nothing_of_the_deployment_nor_of_its_aborted_rollback_waits_again(fleet: Fleet) -> None:
    await two_join_late(fleet)
    await fleet.report("n2", Status.HEALTHY, State("0"))
    await tripped(fleet)
    rollback = await fleet.in_flight()
    assert (await fleet.target(rollback, "n2")).to == State("0"), "it has something to return to"
    await fleet.abort()
    assert await converging(fleet, "n2") == ["n2"]
    await fleet.arrive("n1")
    await fleet.silence()
    assert await desired(fleet, "n2") == [V1]


async def test_one_that_has_read_the_deployment_stays_when_the_rollback_is_aborted_first(fleet: Fleet) -> None:
    await two_join_late(fleet)
    await fleet.report("n2", Status.HEALTHY, State("0"))
    await tripped(fleet, "n2")
    await fleet.abort()
    await fleet.silence()
    assert (await desired(fleet, "n2"), await converging(fleet, "n2")) == ([V2], [])
