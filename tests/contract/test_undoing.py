"""What is asked of the past before something is undone: who assigned whom, who inherited, what was restored."""

import msgspec

from dides.model.deployment import Brake, Deployment, Kind, TargetState
from dides.model.plan import Settled
from dides.model.state import State
from dides.store.interface import Store, Transaction
from dides.store.records import Convergence, NewTarget
from support.history import assignment, roll_out, withdraw
from support.stores import V1, V2, a_deployment, add, create


async def test_whether_it_is_withdrawn_comes_back(store: Store) -> None:
    def keep(tx: Transaction) -> None:
        deployment = roll_out(tx)
        assert tx.deployments.get(deployment.id) == deployment
        assert not deployment.withdrawn
        assert tx.deployments.get(deployment.id) != withdraw(tx, deployment)
        withdrawn = tx.deployments.get(deployment.id)
        assert withdrawn is not None
        assert withdrawn.withdrawn

    await store.write(keep)


async def test_the_newest_to_undo_has_assigned_something_and_is_not_withdrawn(store: Store) -> None:
    def look(tx: Transaction) -> None:
        assert tx.deployments.newest_to_undo() is None
        (a,) = add(tx, "a")
        first, second = roll_out(tx, a), roll_out(tx, a)
        roll_out(tx, a, already=True)
        roll_out(tx)
        roll_out(tx, a, kind=Kind.ROLLBACK, of=first.id)
        assert tx.deployments.newest_to_undo() == second
        withdraw(tx, second)
        assert tx.deployments.newest_to_undo() == first
        withdraw(tx, first)
        assert tx.deployments.newest_to_undo() is None

    await store.write(look)


async def test_what_was_assigned_stays_so_when_its_instances_are_gone(store: Store) -> None:
    def look(tx: Transaction) -> None:
        (a,) = add(tx, "a")
        deployment, found = roll_out(tx, a), roll_out(tx, a, already=True)
        tx.targets.detach(a.id)
        assert (tx.targets.any_assigned(deployment.id), tx.targets.any_assigned(found.id)) == (True, False)
        assert tx.deployments.newest_to_undo() == deployment

    await store.write(look)


async def test_later_ones_are_of_kind_deploy_and_not_withdrawn(store: Store) -> None:
    def look(tx: Transaction) -> None:
        first, second, third = roll_out(tx), roll_out(tx), roll_out(tx)
        roll_out(tx, kind=Kind.ROLLBACK, of=third.id)
        withdraw(tx, second)
        assert tx.deployments.later_than(first.id) == [third]
        assert tx.deployments.later_than(third.id) == []

    await store.write(look)


async def test_what_a_rollback_withdraws_is_found_by_it(store: Store) -> None:
    def look(tx: Transaction) -> None:
        first, second, third = roll_out(tx), roll_out(tx), roll_out(tx)
        first, third = withdraw(tx, first, 50), withdraw(tx, third, 50)
        withdraw(tx, second, 51)
        tx.deployments.save(msgspec.structs.replace(third, withdrawn=False))
        assert tx.deployments.withdrawn_by(50) == [first]

    await store.write(look)


async def test_an_instance_is_taken_over_by_whoever_assigned_it_later_or_was_inherited_from(store: Store) -> None:
    def look(tx: Transaction) -> None:
        a, b = add(tx, "a", "b")
        first, second = roll_out(tx, a), roll_out(tx, a, b)
        third, fourth = roll_out(tx, a, already=True), roll_out(tx, b)
        later = [second.id, third.id, fourth.id]
        assert tx.targets.taken_over_by(first.id, later) == second.id
        assert tx.targets.taken_over_by(first.id, [third.id, fourth.id]) is None
        assert tx.targets.taken_over_by(first.id, []) is None
        tx.heirs.add(fourth.id, [a.id])
        assert tx.targets.taken_over_by(first.id, later) == fourth.id
        assert tx.targets.taken_over_by(third.id, [fourth.id]) == fourth.id, "it found it at the target"

    await store.write(look)


async def test_restored_is_who_any_rollback_has_returned_or_had_nothing_to_return_to(store: Store) -> None:
    def look(tx: Transaction) -> None:
        a, b, c, d = add(tx, "a", "b", "c", "d")
        undone = roll_out(tx, a, b, c, d)
        first = roll_out(tx, a, b, kind=Kind.ROLLBACK, of=undone.id)
        roll_out(tx, c, already=True, kind=Kind.ROLLBACK, of=undone.id)
        roll_out(tx, d, kind=Kind.ROLLBACK, of=undone.id + 50)
        states = zip(tx.targets.page(first.id, None, 0, 9), (TargetState.SUCCEEDED, TargetState.FAILED), strict=True)
        tx.targets.settle([Settled(target=target, state=state) for target, state in states], 6)
        assert tx.targets.restored(undone.id) == {a.id, c.id}

    await store.write(look)


async def test_heirs_are_those_whom_no_later_one_has_told_or_given_its_state(store: Store) -> None:
    def names(tx: Transaction, source: Deployment) -> list[str]:
        return [each.name for each in tx.heirs.of(source.id)]

    def look(tx: Transaction) -> None:
        a, b, c, d = add(tx, "a", "b", "c", "d")
        earlier, source = roll_out(tx, d), roll_out(tx)
        assert not tx.heirs.any(source.id)
        tx.heirs.add(source.id, [d.id, c.id, b.id, a.id])
        tx.heirs.add(source.id, [a.id])
        assert tx.heirs.any(source.id)
        tx.heirs.add(earlier.id, [a.id])
        later, found = roll_out(tx, b), roll_out(tx, c, already=True)
        assert (names(tx, source), names(tx, earlier)) == (["a", "d"], [])
        tx.heirs.add(found.id, [d.id])
        assert names(tx, source) == ["a"]
        withdraw(tx, later)
        assert names(tx, source) == ["a", "b"]
        tx.heirs.forget(source.id, [a.id, 999])
        assert (names(tx, source), names(tx, earlier)) == (["b"], ["a"])
        tx.inventory.remove(b, 7)
        assert names(tx, source) == []

    await store.write(look)


async def test_heirs_outlive_a_change_of_what_they_are_to_be(store: Store) -> None:
    def look(tx: Transaction) -> None:
        (a,) = add(tx, "a")
        source = roll_out(tx)
        tx.heirs.add(source.id, [a.id])
        changed = msgspec.structs.replace(a, current=State("9"))
        tx.inventory.record([changed])
        assert tx.heirs.of(source.id) == [changed]

    await store.write(look)


async def test_how_heirs_fared_is_kept_and_who_has_stopped_is_found(store: Store) -> None:
    def look(tx: Transaction) -> None:
        first, second, third = roll_out(tx), roll_out(tx), roll_out(tx)
        assert first.brake == Brake()
        brake = Brake(arrived=3, failed=2, stopped_at=7)
        first = tx.deployments.save(msgspec.structs.replace(first, brake=brake))
        assert tx.deployments.get(first.id) == first
        assert first.brake == brake
        second = tx.deployments.save(msgspec.structs.replace(second, brake=brake))
        withdraw(tx, msgspec.structs.replace(third, brake=brake))
        assert tx.deployments.stopped_converging() == [second, first]

    await store.write(look)


async def test_who_waits_and_who_is_on_the_way_is_counted_by_source(store: Store) -> None:
    def look(tx: Transaction) -> None:
        assert tx.convergences.numbers() == {}
        for number, instance in enumerate(add(tx, "a", "b", "c", "d")):
            assigned_at = 5 if number == 2 else None
            source_id = 8 if number == 3 else 7
            tx.convergences.put(
                Convergence(instance=instance, source_id=source_id, desired=V2, assigned_at=assigned_at)
            )
        assert tx.convergences.numbers() == {7: (2, 1), 8: (1, 0)}

    await store.write(look)


async def test_a_late_target_is_remembered_as_such(store: Store) -> None:
    def look(tx: Transaction) -> None:
        a, b = add(tx, "a", "b")
        tx.convergences.put(Convergence(instance=b, source_id=7, desired=V1))
        targets = [NewTarget(each.id, each.name, V2, V1) for each in (a, b)]
        deployment = create(tx, a_deployment(), targets)
        found = tx.targets.candidates(deployment.id, 9)
        assert [each.inherits for each in found] == [None, V1]
        late = assignment(found[1].target, already=False)
        tx.targets.assign([msgspec.structs.replace(late, late=True)], {b.id: 1}, 5)
        assert [each.instance for each in tx.targets.late(deployment.id)] == ["b"]
        tx.targets.detach(b.id)
        assert tx.targets.late(deployment.id) == []

    await store.write(look)
