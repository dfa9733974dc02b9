"""The targets of a deployment: their order, what they are told, how they end."""

from collections.abc import Sequence

import pytest

from dides.model.deployment import Deployment, Target, TargetState
from dides.model.plan import Assignment, Settled
from dides.model.state import NOTHING, State
from dides.store.interface import Store, Transaction
from dides.store.records import NewAssignment, NewTarget, StaleError
from support.stores import V1, V2, a_deployment, add, create, deploy


def targets_of(tx: Transaction, deployment: Deployment) -> list[Target]:
    """Return every target, in order."""
    return tx.targets.page(deployment.id, None, 0, 100)


def names(found: Sequence[Target]) -> list[str]:
    return [each.instance for each in found]


def candidates(tx: Transaction, deployment: Deployment, limit: int = 100) -> list[str]:
    return [each.target.instance for each in tx.targets.candidates(deployment.id, limit)]


def assign(tx: Transaction, *told: Target, deadline_at: int | None = 600) -> None:
    """Tell targets V2, as a step does."""
    state = TargetState.UPDATING if deadline_at else TargetState.SKIPPED
    assigned = [
        Assignment(
            target=each,
            state=state,
            desired=V2,
            before=State("1", "x"),
            last_good=V1,
            earlier=State("0", None),
            reason="" if deadline_at else "already at target",
            deadline_at=deadline_at,
            failure_is_news=True,
        )
        for each in told
    ]
    assignments = [NewAssignment(each.instance_id, V2, 1) for each in told if each.instance_id is not None]
    tx.targets.assign(assigned, tx.inventory.assign(assignments), 500)


async def test_an_assignment_is_kept_whole(store: Store) -> None:
    def tell(tx: Transaction) -> Target:
        deployment = deploy(tx, "web-1", "web-2")
        assign(tx, targets_of(tx, deployment)[0])
        told, unassigned = targets_of(tx, deployment)
        assert unassigned.state is TargetState.PENDING
        return told

    told = await store.write(tell)
    assert (told.state, told.to, told.generation, told.attempt) == (TargetState.UPDATING, V2, 1, 1)
    assert (told.before, told.last_good, told.earlier) == (State("1", "x"), V1, State("0", None))
    assert (told.assigned_at, told.deadline_at, told.finished_at) == (500, 600, None)
    assert told.failure_is_news
    assert told.report is None


async def test_one_that_is_skipped_when_told_is_finished_at_once(store: Store) -> None:
    def tell(tx: Transaction) -> Target:
        deployment = deploy(tx, "web-1")
        assign(tx, *targets_of(tx, deployment), deadline_at=None)
        return targets_of(tx, deployment)[0]

    told = await store.write(tell)
    assert (told.state, told.reason, told.assigned_at, told.finished_at) == (
        TargetState.SKIPPED,
        "already at target",
        500,
        500,
    )


async def test_told_nothing_is_kept_as_nothing(store: Store) -> None:
    def tell(tx: Transaction) -> Target:
        deployment = deploy(tx, "web-1")
        (target,) = targets_of(tx, deployment)
        nothing = Assignment(
            target=target, state=TargetState.SKIPPED, desired=None, before=NOTHING, last_good=None, earlier=None
        )
        tx.targets.assign([nothing], {target.instance_id or 0: 3}, 500)
        return targets_of(tx, deployment)[0]

    told = await store.write(tell)
    assert (told.to, told.last_good, told.earlier, told.generation) == (NOTHING, None, None, 3)


async def test_settled_targets_say_when_and_why(store: Store) -> None:
    def settle(tx: Transaction) -> list[Target]:
        deployment = deploy(tx, "web-1", "web-2", "web-3")
        one, two, _ = targets_of(tx, deployment)
        assign(tx, one, two)
        failed = Settled(target=one, state=TargetState.FAILED, reason="reported FAILED", message="boom")
        tx.targets.settle([failed, Settled(target=two, state=TargetState.SUCCEEDED)], 900)
        tx.targets.settle([], 901)
        return targets_of(tx, deployment)

    one, two, three = await store.write(settle)
    assert (one.state, one.reason, one.message, one.finished_at) == (TargetState.FAILED, "reported FAILED", "boom", 900)
    assert (two.state, two.reason, two.finished_at, two.assigned_at) == (TargetState.SUCCEEDED, "", 900, 500)
    assert (three.state, three.finished_at) == (TargetState.PENDING, None)


async def test_candidates_come_in_order_and_only_while_pending(store: Store) -> None:
    def look(tx: Transaction) -> None:
        deployment = deploy(tx, "c", "a", "b", "d")
        assert candidates(tx, deployment) == ["c", "a", "b", "d"]
        assert candidates(tx, deployment, 2) == ["c", "a"]
        assert candidates(tx, deployment, 0) == []
        assign(tx, targets_of(tx, deployment)[0])
        assert candidates(tx, deployment) == ["a", "b", "d"]
        with_instance = tx.targets.candidates(deployment.id, 1)[0]
        assert with_instance.instance == tx.inventory.get("a")
        assert with_instance.target == targets_of(tx, deployment)[1]

    await store.write(look)


async def test_the_deferred_go_to_the_end_and_stay_there_when_they_return(store: Store) -> None:
    def defer(tx: Transaction) -> None:
        deployment = deploy(tx, "a", "b", "c", "d")
        a, b, *_ = targets_of(tx, deployment)
        tx.targets.defer(deployment.id, [])
        tx.targets.defer(deployment.id, [a, b])
        assert candidates(tx, deployment) == ["c", "d"]
        assert [each.target.instance for each in tx.targets.deferred(deployment.id)] == ["a", "b"]
        assert tx.targets.deferred(deployment.id)[0].instance == tx.inventory.get("a")
        assert names(targets_of(tx, deployment)) == ["c", "d", "a", "b"]
        assert [each.deferred for each in targets_of(tx, deployment)] == [False, False, True, True]
        tx.targets.undefer([b])
        assert candidates(tx, deployment) == ["c", "d", "b"]
        tx.targets.undefer([a])
        assert candidates(tx, deployment) == ["c", "d", "a", "b"], "at the place they have, not behind each other"
        tx.targets.defer(deployment.id, [a])
        assert names(targets_of(tx, deployment)) == ["c", "d", "b", "a"]

    await store.write(defer)


async def test_one_that_joins_comes_after_all_others(store: Store) -> None:
    def join(tx: Transaction) -> None:
        deployment = deploy(tx, "b", "c")
        first, _ = targets_of(tx, deployment)
        tx.targets.defer(deployment.id, [first])
        (late,) = add(tx, "a")
        tx.targets.append(deployment.id, NewTarget(late.id, late.name, V2, V1))
        assert names(targets_of(tx, deployment)) == ["c", "b", "a"]
        joined = targets_of(tx, deployment)[-1]
        assert (joined.state, joined.to, joined.before) == (TargetState.PENDING, V2, V1)
        assert candidates(tx, deployment) == ["c", "a"]

    await store.write(join)


async def test_taking_a_place_does_not_make_the_deployment_stale(store: Store) -> None:
    def defer_and_save(tx: Transaction) -> None:
        deployment = deploy(tx, "a", "b")
        tx.targets.defer(deployment.id, targets_of(tx, deployment)[:1])
        saved = tx.deployments.save(deployment)
        with pytest.raises(StaleError):
            tx.deployments.save(deployment)
        assert tx.deployments.get(deployment.id) == saved

    await store.write(defer_and_save)


async def test_pages_of_targets_go_by_position_and_state(store: Store) -> None:
    def look(tx: Transaction) -> None:
        deployment = deploy(tx, "a", "b", "c", "d")
        a, _, c, _ = targets_of(tx, deployment)
        assign(tx, a, c)
        assert names(tx.targets.page(deployment.id, TargetState.UPDATING, 0, 10)) == ["a", "c"]
        assert names(tx.targets.page(deployment.id, TargetState.PENDING, 0, 1)) == ["b"]
        assert names(tx.targets.page(deployment.id, TargetState.PENDING, 2, 1)) == ["d"]
        assert names(tx.targets.page(deployment.id, None, 1, 2)) == ["b", "c"]
        assert tx.targets.page(deployment.id + 1, None, 0, 10) == []

    await store.write(look)


async def test_skipping_the_pending_leaves_the_others_alone(store: Store) -> None:
    def skip(tx: Transaction) -> None:
        deployment = deploy(tx, "a", "b", "c", "d")
        a, b, c, _ = targets_of(tx, deployment)
        assign(tx, a, b)
        tx.targets.settle([Settled(target=b, state=TargetState.SUCCEEDED)], 700)
        tx.targets.defer(deployment.id, [c])
        tx.targets.skip_pending(deployment.id, "not started", 900)
        found = {each.instance: each for each in targets_of(tx, deployment)}
        assert {name: each.state.value for name, each in found.items()} == {
            "a": "updating",
            "b": "succeeded",
            "c": "skipped",
            "d": "skipped",
        }
        assert (found["d"].reason, found["d"].finished_at, found["d"].assigned_at) == ("not started", 900, None)
        assert tx.targets.deferred(deployment.id) == ()

    await store.write(skip)


async def test_touched_are_those_told_whose_instance_still_exists(store: Store) -> None:
    def look(tx: Transaction) -> None:
        deployment = deploy(tx, "a", "b", "c", "d")
        a, b, c, _ = targets_of(tx, deployment)
        assign(tx, a, b)
        assign(tx, c, deadline_at=None)
        tx.targets.settle([Settled(target=a, state=TargetState.FAILED)], 700)
        gone = tx.inventory.get("b")
        assert gone is not None
        tx.targets.detach(gone.id)
        tx.inventory.remove(gone, 800)
        touched = {each.target.instance: each for each in tx.targets.touched(deployment.id)}
        assert sorted(touched) == ["a", "c"]
        assert touched["a"].instance == tx.inventory.get("a")
        assert touched["a"].target == targets_of(tx, deployment)[0]

    await store.write(look)


async def test_a_detached_target_stays_under_its_name(store: Store) -> None:
    def detach(tx: Transaction) -> None:
        deployment = deploy(tx, "a", "b")
        gone = tx.inventory.get("a")
        assert gone is not None
        tx.targets.detach(gone.id)
        tx.inventory.remove(gone, 800)
        first, second = targets_of(tx, deployment)
        assert (first.instance, first.instance_id, first.reachable) == ("a", None, False)
        assert second.instance_id is not None
        assert tx.targets.of(deployment.id, [gone.id]) == []

    await store.write(detach)


async def test_a_removed_target_is_gone_and_its_place_is_not_given_again(store: Store) -> None:
    def remove(tx: Transaction) -> None:
        deployment = deploy(tx, "a", "b")
        tx.targets.remove(targets_of(tx, deployment)[1])
        (late,) = add(tx, "c")
        tx.targets.append(deployment.id, NewTarget(late.id, late.name, V2, V1))
        assert [(each.instance, each.position) for each in targets_of(tx, deployment)] == [("a", 1), ("c", 3)]

    await store.write(remove)


async def test_an_instance_is_one_target_of_a_deployment_but_of_many_deployments(store: Store) -> None:
    def made(tx: Transaction) -> None:
        one, two = add(tx, "a", "b")
        targets = [NewTarget(each.id, each.name, V2, V1) for each in (one, two)]
        first = create(tx, a_deployment(), targets)
        assert names(tx.targets.of(first.id, [two.id])) == ["b"]
        assert len(tx.targets.of(first.id, [one.id, two.id, 999])) == 2
        assert tx.targets.of(first.id, []) == []

    await store.write(made)
