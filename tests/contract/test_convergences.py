"""Convergences: who returned after the end and waits, or has been told."""

import msgspec

from dides.model.instance import Instance
from dides.model.state import State
from dides.store.interface import Store, Transaction
from dides.store.records import Convergence
from support.stores import V2, add


def waiting(instance: Instance, source_id: int = 1, **fields: object) -> Convergence:
    return msgspec.structs.replace(Convergence(instance=instance, source_id=source_id, desired=V2), **fields)


def waiting_names(tx: Transaction, source_id: int = 1, limit: int = 10) -> list[str]:
    return [each.instance.name for each in tx.convergences.waiting(source_id, limit)]


async def test_a_convergence_comes_back_with_its_instance_as_it_is_now(store: Store) -> None:
    def put(tx: Transaction) -> None:
        (instance,) = add(tx, "a")
        put = waiting(instance, desired=State(None, "b"), assigned_at=5, deadline_at=9)
        tx.convergences.put(put)
        now = msgspec.structs.replace(instance, message="changed since")
        tx.inventory.record([now])
        assert tx.convergences.of([instance.id]) == [msgspec.structs.replace(put, instance=now)]
        assert tx.convergences.of([]) == []

    await store.write(put)


async def test_the_waiting_come_in_the_order_in_which_they_returned(store: Store) -> None:
    def queue(tx: Transaction) -> None:
        b, a, c = add(tx, "b", "a", "c")
        for each in (b, a, c):
            tx.convergences.put(waiting(each))
        assert waiting_names(tx) == ["b", "a", "c"]
        assert waiting_names(tx, limit=2) == ["b", "a"]
        assert waiting_names(tx, limit=0) == []
        tx.convergences.put(waiting(b))
        assert waiting_names(tx) == ["a", "c", "b"], "one each, and the newest return counts"
        tx.convergences.put(waiting(a, source_id=2))
        assert (waiting_names(tx), waiting_names(tx, 2)) == (["c", "b"], ["a"])

    await store.write(queue)


async def test_the_told_are_counted_until_they_are_dropped(store: Store) -> None:
    def assign(tx: Transaction) -> None:
        a, b, c = add(tx, "a", "b", "c")
        tx.convergences.put(waiting(a, assigned_at=5, deadline_at=9))
        tx.convergences.put(waiting(b, assigned_at=6, deadline_at=9))
        tx.convergences.put(waiting(c))
        assert (tx.convergences.count_assigned(1), tx.convergences.count_assigned(2)) == (2, 0)
        assert waiting_names(tx) == ["c"]
        tx.convergences.drop([a.id, 999])
        assert tx.convergences.count_assigned(1) == 1
        tx.convergences.drop([])

    await store.write(assign)


async def test_overdue_are_the_told_whose_deadline_has_come(store: Store) -> None:
    def look(tx: Transaction) -> None:
        a, b, c = add(tx, "a", "b", "c")
        tx.convergences.put(waiting(a, assigned_at=5, deadline_at=9))
        tx.convergences.put(waiting(b, assigned_at=5, deadline_at=10))
        tx.convergences.put(waiting(c))
        assert tx.convergences.overdue(8) == []
        assert [each.instance.name for each in tx.convergences.overdue(9)] == ["a"]
        assert sorted(each.instance.name for each in tx.convergences.overdue(100)) == ["a", "b"]

    await store.write(look)


async def test_a_removed_instance_converges_no_more(store: Store) -> None:
    def remove(tx: Transaction) -> None:
        a, b = add(tx, "a", "b")
        tx.convergences.put(waiting(a, assigned_at=5, deadline_at=9))
        tx.convergences.put(waiting(b))
        tx.inventory.remove(a, 1)
        tx.inventory.remove(b, 1)
        assert (tx.convergences.count_assigned(1), waiting_names(tx)) == (0, [])

    await store.write(remove)
