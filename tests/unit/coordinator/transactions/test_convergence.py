"""Instances that return after the end of a deployment inherit it, a window at a time."""

from dides.model.deployment import DeploymentStatus
from dides.model.selector import parse_selector
from dides.model.state import State, Status
from dides.protocol.messages import Heartbeat
from support.hand_fleet import V1, V2, V3, Fleet


async def missed(fleet: Fleet, *names: str, window: int = 1, update_timeout: float = 60) -> int:
    """Roll V2 out while these are silent, and return the completed deployment's id."""
    await fleet.running("present", *names)
    await fleet.silence(*names)
    await fleet.trigger(V2, batch_size=window, failure_threshold=5, update_timeout=update_timeout)
    await fleet.arrive("present")
    deployment = await fleet.step()
    assert deployment.status is DeploymentStatus.COMPLETED
    return deployment.id


async def desired(fleet: Fleet, *names: str) -> list[State | None]:
    return [(await fleet.instance(name)).desired for name in names]


async def test_one_that_returns_is_told_at_once_and_answered_so(fleet: Fleet) -> None:
    source = await missed(fleet, "a")
    taken = await fleet.report("a", Status.HEALTHY, V1)
    assert taken.assigned == {"a"}
    assert taken.instances["a"] == await fleet.instance("a")
    assert (taken.instances["a"].desired, taken.instances["a"].assigned_by) == (V2, source)
    assert [each.instance for each in await fleet.events("instance.inherited")] == ["a"]


async def test_no_more_than_the_window_converge_at_once(fleet: Fleet) -> None:
    await missed(fleet, "a", "b", "c", "d", window=2)
    for name in ("c", "a", "d", "b"):
        await fleet.report(name, Status.HEALTHY, V1)
    assert await desired(fleet, "c", "a", "d", "b") == [V2, V2, None, None]
    await fleet.report("a", Status.DEGRADED, V1)
    assert await desired(fleet, "d", "b") == [None, None]
    await fleet.arrive("a")
    assert fleet.assigned == {"d"}, "in the order in which they returned"
    assert await desired(fleet, "d", "b") == [V2, None]
    await fleet.arrive("d")
    assert await desired(fleet, "b") == [V2]


async def test_one_that_fails_frees_its_place(fleet: Fleet) -> None:
    await missed(fleet, "a", "b", "c", window=2)
    for name in "abc":
        await fleet.report(name, Status.HEALTHY, V1)
    assert await desired(fleet, "c") == [None]
    await fleet.fail("a")
    assert await desired(fleet, "c") == [V2]


async def test_one_that_falls_silent_frees_its_place(fleet: Fleet) -> None:
    await missed(fleet, "a", "b")
    await fleet.report("a", Status.HEALTHY, V1)
    await fleet.report("b", Status.HEALTHY, V1)
    await fleet.silence("a")
    assert fleet.assigned == {"b"}
    assert await desired(fleet, "a", "b") == [V2, V2]


async def test_one_that_takes_too_long_frees_its_place(fleet: Fleet) -> None:
    await missed(fleet, "a", "b", "c", window=2, update_timeout=60)
    await fleet.report("a", Status.HEALTHY, V1)
    fleet.clock.advance(1)
    await fleet.report("b", Status.HEALTHY, V1)
    await fleet.report("c", Status.HEALTHY, V1)
    fleet.clock.advance(58.999)
    await fleet.silence()
    assert fleet.assigned == set()
    fleet.clock.advance(0.001)
    await fleet.silence()
    assert fleet.assigned == {"c"}


async def test_one_that_returns_with_the_versions_it_missed_is_told_all_the_same(fleet: Fleet) -> None:
    """Told, so that drift does not pull it back to an earlier desired state."""
    await missed(fleet, "a")
    await fleet.report("a", Status.HEALTHY, V2)
    assert await desired(fleet, "a") == [V2]


async def test_one_that_missed_nothing_is_told_nothing(fleet: Fleet) -> None:
    await missed(fleet)
    generation = (await fleet.instance("present")).generation
    await fleet.silence("present")
    assert (await fleet.report("present", Status.HEALTHY, V2)).assigned == set()
    assert (await fleet.instance("present")).generation == generation


async def test_one_that_does_not_match_is_told_nothing(fleet: Fleet) -> None:
    await fleet.running("other", labels={"env": "test"})
    await fleet.silence("other")
    await missed(fleet)
    assert (await fleet.report("other", Status.HEALTHY, V1)).assigned == set()


async def test_a_target_of_the_deployment_in_flight_waits_for_its_turn_instead(fleet: Fleet) -> None:
    await missed(fleet, "a")
    await fleet.trigger(V3)
    assert (await fleet.report("a", Status.HEALTHY, V1)).assigned == set()
    assert await desired(fleet, "a") == [None]


async def test_a_new_deployment_takes_those_over_that_it_matches(fleet: Fleet) -> None:
    await missed(fleet, "a", "b")
    await fleet.report("a", Status.HEALTHY, V1)
    await fleet.report("b", Status.HEALTHY, V1)
    deployment = await fleet.trigger(V3, batch_size=1)
    assert deployment.counts.total == 3
    await fleet.arrive("a")
    assert await desired(fleet, "b") == [None], "it waits for the deployment, not for the convergence"


async def test_a_rollback_takes_those_over_that_it_returns(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.trigger(V2)
    await fleet.arrive("a")
    await fleet.step()
    await fleet.silence("a")
    await fleet.roll_back()
    await fleet.report("a", Status.HEALTHY, V2)
    assert await desired(fleet, "a") == [V1]


async def test_returning_together_they_are_admitted_together(fleet: Fleet) -> None:
    await missed(fleet, "a", "b", "c", window=2)
    taken = await fleet.ingest_batch(*((name, Heartbeat(status=Status.HEALTHY, code_version="1")) for name in "abc"))
    assert taken.assigned == {"a", "b"}
    assert [taken.instances[name].desired for name in "abc"] == [V2, V2, None]


async def converging(fleet: Fleet) -> list[str]:
    """Return who waits for what it has missed, or is on its way."""
    every = await fleet.store.read(lambda tx: tx.inventory.page(parse_selector(""), None, "", 1000))
    found = await fleet.store.read(lambda tx: tx.convergences.of(each.id for each in every))
    return sorted(each.instance.name for each in found)


async def test_those_that_join_late_inherit_within_the_window_too(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.trigger(V2, batch_size=2)
    await fleet.arrive("a")
    await fleet.step()
    await fleet.register("b", "c", "d")
    assert await desired(fleet, "b", "c", "d") == [V2, V2, None]
    assert await converging(fleet) == ["b", "c", "d"]
    await fleet.arrive("b")
    assert fleet.assigned == {"d"}
    await fleet.arrive("c", "d")
    assert await converging(fleet) == []


async def test_one_that_joins_late_gets_the_earlier_version_before_its_turn_for_the_new_one(fleet: Fleet) -> None:
    await fleet.running("a", "z")
    await fleet.trigger(V2, batch_size=2)
    await fleet.arrive("a", "z")
    await fleet.step()
    deployment = await fleet.trigger(V3)
    await fleet.register("b", "c")
    assert await desired(fleet, "b", "c") == [V2, V2], "they run nothing, so they do not wait for V3"
    for name in ("a", "z"):
        await fleet.arrive(name)
        await fleet.step()
    assert await fleet.states(deployment) == {"a": "succeeded", "z": "succeeded", "b": "updating", "c": "pending"}
    assert await converging(fleet) == ["c"]
    await fleet.arrive("b")
    await fleet.step()
    await fleet.arrive("c")
    await fleet.step()
    assert await converging(fleet) == []
    assert await desired(fleet, "b", "c") == [V3, V3]


async def test_a_zone_of_500_that_comes_back_at_once_converges_a_window_at_a_time(fleet: Fleet) -> None:
    zone = [f"zone-{number:03}" for number in range(500)]
    await fleet.running(*(f"here-{number}" for number in range(10)))
    await fleet.running(*zone)
    await fleet.silence(*zone)
    deployment = await fleet.trigger(V2, batch_size="5%")
    assert deployment.window == 26
    await fleet.arrive(*(f"here-{number}" for number in range(10)))
    assert (await fleet.steps()).status is DeploymentStatus.COMPLETED
    back = Heartbeat(status=Status.HEALTHY, code_version=V1.code_version)
    await fleet.ingest_batch(*((name, back) for name in zone))
    arrived: set[str] = set()
    rounds = 0
    while assigned := fleet.assigned:
        assert len(assigned) <= deployment.window
        assert not assigned & arrived
        assert await converging(fleet) == sorted(set(zone) - arrived)
        arrived |= assigned
        rounds += 1
        await fleet.arrive(*sorted(assigned))
    assert arrived == set(zone)
    assert rounds == -(-500 // deployment.window)
    assert await converging(fleet) == []
