"""A plan is made of the fleet as it is now, by the rules by which a trigger goes."""

import msgspec

from dides.coordinator.transactions.commands import DeployCommand
from dides.coordinator.transactions.forecast import forecast_of
from dides.engine.forecast import Forecast
from dides.model.policy import Ordering, Policy
from dides.model.selector import parse_selector
from dides.model.state import State, Status
from support.hand_fleet import PROD, V1, V2, Fleet


async def plan(fleet: Fleet, to: State = V2, **policy: object) -> Forecast:
    command = DeployCommand(
        to=to,
        labels=PROD,
        selector_text=None,
        selector=parse_selector("").and_labels(PROD),
        policy=msgspec.structs.replace(Policy(), **policy),
        actor="anna",
    )
    return await fleet.store.read(lambda tx: forecast_of(tx, command))


async def test_the_unreachable_come_last_and_are_warned_of(fleet: Fleet) -> None:
    await fleet.running("a", "b", "c")
    await fleet.silence("a")
    planned = await plan(fleet, batch_size=2)
    assert (planned.matched, planned.unreachable, planned.waves) == (3, 1, (("b", "c", "a"),))
    assert any("1 of 3 instances is unreachable" in each for each in planned.warnings)


async def test_what_an_instance_has_missed_counts_as_what_it_was_told(fleet: Fleet) -> None:
    """A version that is left out stays as it was to be: one that waits to converge is not there before it has."""
    missed, at_the_new_configuration = State("2", "c1"), State("1", "c2")
    await fleet.running("present", "first", "second")
    await fleet.silence("first", "second")
    await fleet.trigger(missed)
    await fleet.arrive("present")
    await fleet.step()
    await fleet.report("first", Status.HEALTHY, V1)
    await fleet.report("second", Status.HEALTHY, at_the_new_configuration)
    assert (await fleet.instance("second")).desired is None, "it waits until the first has converged"
    assert (await plan(fleet, State(None, "c2"))).already_at_target == 0


async def test_it_warns_of_what_is_in_flight_and_of_the_whole_fleet(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    assert [each.split(":")[0] for each in (await plan(fleet)).warnings] == [
        "The selector matches the whole fleet (2 instances)"
    ]
    await fleet.running("other", labels={"env": "test"})
    assert (await plan(fleet)).warnings == ()
    deployment = await fleet.trigger()
    assert (await plan(fleet)).warnings[0].startswith(f"Deployment {deployment.id} is in flight")


async def test_a_shuffled_order_is_that_of_the_next_deployment(fleet: Fleet) -> None:
    names = [f"web-{number}" for number in range(8)]
    await fleet.running(*names)
    await fleet.trigger(V2)
    await fleet.abort()
    planned = await plan(fleet, order=Ordering.SHUFFLE)
    deployment = await fleet.trigger(V2, order=Ordering.SHUFFLE)
    targets = await fleet.store.read(lambda tx: tx.targets.page(deployment.id, None, 0, 100))
    assert planned.waves == (tuple(each.instance for each in targets),)
    assert planned.waves != (tuple(names),)
