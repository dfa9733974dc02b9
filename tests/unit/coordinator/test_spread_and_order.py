"""`spread_by` and `order` over the real store: whose turn it is."""

from dides.engine.window import held_by
from dides.model.policy import Ordering
from support.hand_fleet import Fleet


async def zones(fleet: Fleet) -> None:
    for name, zone in (("a1", "a"), ("a2", "a"), ("a3", "a"), ("b1", "b"), ("c1", "c")):
        await fleet.running(name, labels={"env": "prod", "zone": zone})


async def test_the_window_is_taken_evenly_over_the_values_of_a_label(fleet: Fleet) -> None:
    await zones(fleet)
    deployment = await fleet.trigger(batch_size=4, spread_by="zone")
    assert deployment.share == 2
    assert await fleet.in_state(deployment) == ["a1", "b1", "c1", "a2"]
    await fleet.arrive("b1", "c1")
    await fleet.step()
    assert await fleet.in_state(deployment) == ["a1", "a2"], "a has its share, however much of the window is free"
    assert held_by(await fleet.in_flight()) == "spread_by"
    await fleet.arrive("a1")
    await fleet.step()
    assert await fleet.in_state(deployment) == ["a2", "a3"]


async def test_a_value_whose_share_is_taken_does_not_hide_the_others(fleet: Fleet) -> None:
    await fleet.running(*(f"a{number:03}" for number in range(200)), labels={"env": "prod", "zone": "a"})
    await fleet.running(*(f"b{number}" for number in range(3)), labels={"env": "prod", "zone": "b"})
    deployment = await fleet.trigger(batch_size=2, spread_by="zone")
    for number in range(3):
        assert await fleet.in_state(deployment) == ["a000", f"b{number}"]
        await fleet.arrive(f"b{number}")
        await fleet.step()


async def test_one_that_joins_with_a_new_value_has_the_same_share(fleet: Fleet) -> None:
    await zones(fleet)
    deployment = await fleet.trigger(batch_size=3, spread_by="zone")
    await fleet.register("d1", labels={"env": "prod", "zone": "d"})
    await fleet.register("e", labels={"env": "prod"})
    await fleet.arrive("a1", "b1", "c1")
    await fleet.steps()
    assert await fleet.in_state(deployment) == ["a2", "d1", "e"]


async def test_a_shuffled_order_is_kept(fleet: Fleet) -> None:
    await fleet.running("a", "b", "c", "d", "e", "f")
    deployment = await fleet.trigger(order=Ordering.SHUFFLE)
    order = [each.instance for each in await fleet.targets(deployment)]
    assert sorted(order) != order
    for name in order:
        assert await fleet.in_state(deployment) == [name]
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


async def test_spread_by_is_named_for_as_long_as_it_holds(fleet: Fleet) -> None:
    await zones(fleet)
    await fleet.trigger(batch_size=4, spread_by="zone")
    await fleet.arrive("b1", "c1")
    for _ in range(3):
        assert held_by(await fleet.step()) == "spread_by"
    await fleet.arrive("a1", "a2")
    assert held_by(await fleet.step()) is None, "a3 is told, and nobody waits"
