"""Registration: who may take a name, what it resets, and what a newcomer joins and inherits."""

import pytest

from dides.coordinator.transactions.registration import relabel
from dides.model.deployment import DeploymentStatus, TargetState
from dides.model.errors import ConflictError, NotFoundError
from dides.model.state import NOTHING, State, Status
from support.hand_fleet import V1, V2, V3, Fleet


async def deployed(fleet: Fleet, to: State, *names: str, selector: str | None = None) -> int:
    """Roll a version out to these instances, which are all that match, and return the completed deployment's id."""
    await fleet.trigger(to, batch_size=100, selector=selector)
    await fleet.arrive(*names)
    deployment = await fleet.step()
    assert deployment.status is DeploymentStatus.COMPLETED
    return deployment.id


async def test_the_first_registration_creates_an_instance_of_which_nothing_is_known(fleet: Fleet) -> None:
    joined = await fleet.register("a")
    assert (joined.created, joined.step_due) == (True, False)
    assert joined.instance == await fleet.instance("a")
    assert (joined.instance.status, joined.instance.current, joined.instance.reachable) == (
        Status.UNKNOWN,
        NOTHING,
        True,
    )
    assert joined.instance.last_heartbeat_at is None
    assert [each.instance for each in await fleet.events("instance.registered")] == ["a"]


async def test_the_same_credential_may_register_again_and_keeps_its_report(fleet: Fleet) -> None:
    proof = fleet.credential("a")
    await fleet.running("a")
    fleet.clock.advance(1)
    joined = await fleet.register("a", proof=proof, labels={"env": "test"}, ip="198.51.100.9")
    assert not joined.created
    again = await fleet.instance("a")
    assert (again.ip, again.labels) == ("198.51.100.9", {"env": "test"})
    assert (again.status, again.current, again.registered_at) == (Status.HEALTHY, V1, fleet.clock.now())


async def test_the_credential_stays_the_same_however_often_it_registers(fleet: Fleet) -> None:
    """An answer that is lost locks nobody out: the agent goes on with what it has."""
    proof = fleet.credential("a")
    await fleet.running("a")
    for _ in range(3):
        fleet.clock.advance(1)
        joined = await fleet.register("a", proof=proof)
        assert (joined.created, joined.itself) == (False, True)
    stored = await fleet.store.read(lambda tx: tx.inventory.credential_of("a"))
    assert stored == proof.encode()


async def test_the_old_credential_is_worth_nothing_once_another_machine_has_the_name(fleet: Fleet) -> None:
    proof = fleet.credential("a")
    await fleet.running("a")
    await fleet.silence("a")
    fleet.clock.advance(1)
    assert not (await fleet.register("a", proof="another's")).itself
    with pytest.raises(ConflictError):
        await fleet.register("a", proof=proof)


async def test_what_an_operator_has_changed_stays_when_the_agent_registers_again(fleet: Fleet) -> None:
    proof = fleet.credential("a")
    await fleet.register("a", labels={"env": "prod", "role": "web", "zone": "a"})
    await fleet.run(lambda tx: relabel(tx, "a", {"env": "test", "zone": "a", "tier": "1"}, "anna"))
    await fleet.register("a", proof=proof, labels={"env": "prod", "role": "db", "zone": "b", "tier": "2", "new": "x"})
    assert (await fleet.instance("a")).labels == {"env": "test", "zone": "b", "tier": "1", "new": "x"}
    await fleet.silence("a")
    await fleet.register("a", labels={})
    assert (await fleet.instance("a")).labels == {"env": "test", "tier": "1"}, "it is about the name, not the machine"


async def test_labels_of_a_decommissioned_one_are_forgotten(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.run(lambda tx: relabel(tx, "a", {"env": "test"}, "anna"))
    await fleet.decommission("a")
    await fleet.register("a", labels={"env": "prod"})
    assert (await fleet.instance("a")).labels == {"env": "prod"}


@pytest.mark.parametrize("proof", [None, "somebody else's"])
async def test_the_name_of_a_live_instance_is_taken(fleet: Fleet, proof: str | None) -> None:
    await fleet.running("a")
    before = await fleet.instance("a")
    with pytest.raises(ConflictError, match="taken by a live instance"):
        await fleet.register("a", proof=proof, ip="198.51.100.9")
    assert await fleet.instance("a") == before


async def test_another_machine_may_take_the_name_of_a_silent_one_and_resets_its_report(fleet: Fleet) -> None:
    await fleet.running("a")
    await deployed(fleet, V2, "a")
    await fleet.silence("a")
    joined = await fleet.register("a", ip="198.51.100.9")
    assert not joined.created
    other = await fleet.instance("a")
    assert (other.status, other.current, other.last_heartbeat_at) == (Status.UNKNOWN, NOTHING, None)
    assert (other.reachable, other.ip, other.desired) == (True, "198.51.100.9", V2)


async def test_labels_change_by_an_operator_move_no_target(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    deployment = await fleet.trigger()
    await fleet.silence("b")
    changed = await fleet.run(lambda tx: relabel(tx, "b", {"env": "test"}, "anna"))
    assert changed == await fleet.instance("b")
    assert (changed.labels, changed.reachable) == ({"env": "test"}, False)
    assert set(await fleet.states(deployment)) == {"a", "b"}
    await fleet.run(lambda tx: relabel(tx, "b", {"env": "test"}, "anna"))
    assert len(await fleet.events("instance.relabelled")) == 1
    with pytest.raises(NotFoundError):
        await fleet.run(lambda tx: relabel(tx, "gone", {}, "anna"))


async def test_a_newcomer_that_matches_joins_the_deployment_in_flight_at_the_end(fleet: Fleet) -> None:
    await fleet.running("b", "c")
    deployment = await fleet.trigger()
    joined = await fleet.register("a")
    assert joined.step_due
    assert (await fleet.in_flight()).counts.total == 3
    assert [each.instance for each in await fleet.targets(deployment)] == ["b", "c", "a"]
    await fleet.register("other", labels={"env": "test"})
    assert (await fleet.in_flight()).counts.total == 3
    for name in ("b", "c", "a"):
        await fleet.arrive(name)
        deployment = await fleet.step()
    assert deployment.status is DeploymentStatus.COMPLETED
    assert deployment.counts.succeeded == 3
    assert (await fleet.instance("a")).current == V2


async def test_one_that_joins_with_a_free_slot_is_told_in_the_next_step(fleet: Fleet) -> None:
    await fleet.running("a")
    deployment = await fleet.trigger(batch_size=2)
    await fleet.register("b")
    await fleet.step()
    assert (await fleet.target(deployment, "b")).state is TargetState.UPDATING


async def test_nobody_joins_a_rollback(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.trigger()
    rollback = await fleet.roll_back()
    assert not (await fleet.register("b")).step_due
    assert set(await fleet.states(rollback)) == {"a"}
    assert (await fleet.instance("b")).desired is None


async def test_registering_again_in_flight_does_not_join_twice(fleet: Fleet) -> None:
    proof = fleet.credential("a")
    await fleet.running("a")
    deployment = await fleet.trigger()
    assert not (await fleet.register("a", proof=proof)).step_due
    assert await fleet.states(deployment) == {"a": "updating"}
    assert (await fleet.instance("a")).desired == V2


async def test_a_newcomer_inherits_the_newest_completed_state(fleet: Fleet) -> None:
    await fleet.running("a")
    await deployed(fleet, V2, "a")
    newest = await deployed(fleet, V3, "a")
    joined = await fleet.register("b")
    assert joined.instance == await fleet.instance("b")
    assert (joined.instance.desired, joined.instance.generation, joined.instance.assigned_by) == (V3, 1, newest)
    (event,) = await fleet.events("instance.inherited")
    assert (event.instance, event.deployment_id) == ("b", newest)


async def test_inheritance_is_per_version(fleet: Fleet) -> None:
    await fleet.running("a")
    await deployed(fleet, State("1", "x"), "a")
    await deployed(fleet, State(None, "y"), "a")
    assert (await fleet.register("b")).instance.desired == State("1", "y")


async def test_what_does_not_match_is_not_inherited(fleet: Fleet) -> None:
    await fleet.running("a", labels={"env": "prod", "role": "web"})
    await deployed(fleet, V2, "a", selector="role=web")
    assert (await fleet.register("b", labels={"env": "prod", "role": "db"})).instance.desired is None
    assert (await fleet.register("c", labels={"env": "prod", "role": "web"})).instance.desired == V2


async def test_failed_aborted_and_undone_states_are_not_inherited(fleet: Fleet) -> None:
    await fleet.running("a")
    await deployed(fleet, V2, "a")
    await fleet.trigger(V3, auto_rollback=False)
    await fleet.fail("a")
    await fleet.step()
    await fleet.trigger(V3)
    await fleet.abort()
    assert (await fleet.register("b")).instance.desired == V2
    await fleet.report("b", Status.HEALTHY, V2)
    await deployed(fleet, V3, "a", "b")
    await fleet.roll_back()
    assert (await fleet.register("c")).instance.desired == V2


async def test_a_newcomer_inherits_and_joins(fleet: Fleet) -> None:
    await fleet.running("a")
    await deployed(fleet, V2, "a")
    deployment = await fleet.trigger(V3)
    assert (await fleet.register("b")).instance.desired == V2
    await fleet.arrive("a")
    await fleet.step()
    assert (await fleet.target(deployment, "b")).state is TargetState.UPDATING
    assert (await fleet.instance("b")).desired == V3


async def test_registering_again_changes_nothing_when_there_is_nothing_new(fleet: Fleet) -> None:
    proof = fleet.credential("a")
    await fleet.running("a")
    await deployed(fleet, V2, "a")
    generation = (await fleet.instance("a")).generation
    await fleet.register("a", proof=proof)
    assert (await fleet.instance("a")).generation == generation
