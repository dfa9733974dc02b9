"""Deployments that ended long ago are forgotten, in pieces, but none that anything needs."""

from collections.abc import Callable

import msgspec
import pytest

from dides.model.deployment import Brake, Deployment, Kind
from dides.model.instance import Instance
from dides.store.interface import Store, Transaction
from dides.store.records import Convergence, NewAssignment
from support.history import roll_out, withdraw
from support.stores import V2, a_deployment, add, create

OLD, LIMIT, NEW = 5, 10, 15
"""Before the moment from which on deployments are kept, that moment, and after it."""


def left_after(tx: Transaction, deployments: list[Deployment], limit: int = 100) -> list[int]:
    """Forget what is old and return the ids of these deployments that are kept."""
    tx.deployments.forget(LIMIT, 0, limit)
    return [each.id for each in deployments if tx.deployments.get(each.id)]


def overtaken(tx: Transaction, *instances: Instance) -> None:
    """Roll something newer out to these instances, three times: the two newest are kept to be inherited."""
    newest = [roll_out(tx, *instances, at=NEW) for _ in range(3)][-1]
    tx.inventory.assign([NewAssignment(each.id, V2, newest.id) for each in instances])


async def test_what_is_old_and_overtaken_is_forgotten_with_its_targets(store: Store) -> None:
    def look(tx: Transaction) -> None:
        a, b = add(tx, "a", "b")
        old, other = roll_out(tx, a, b, at=OLD), roll_out(tx, a, at=OLD)
        overtaken(tx, a, b)
        assert not tx.deployments.any_forgotten()
        assert left_after(tx, [old, other]) == []
        assert old.id not in [each.id for each in tx.deployments.page(None, None, 100)]
        assert tx.deployments.any_forgotten()
        assert [tx.deployments.sweep(2) for _ in range(3)] == [2, 1, 0]
        assert not tx.deployments.any_forgotten()
        assert tx.targets.of(old.id, [a.id, b.id]) == []

    await store.write(look)


async def test_what_ended_later_or_has_not_ended_is_kept(store: Store) -> None:
    def look(tx: Transaction) -> None:
        recent = roll_out(tx, at=LIMIT)
        flying = create(tx, a_deployment())
        assert left_after(tx, [recent, flying]) == [recent.id, flying.id]

    await store.write(look)


async def kept(store: Store, need: Callable[[Transaction, Instance, Deployment], None]) -> bool:
    """Return whether an old deployment that was overtaken is kept for what `need` does."""

    def look(tx: Transaction) -> bool:
        a, b = add(tx, "a", "b")
        old = roll_out(tx, a, at=OLD)
        overtaken(tx, a)
        need(tx, b, old)
        return bool(left_after(tx, [old]))

    return await store.write(look)


async def test_what_an_instance_is_to_be_because_of_it_is_kept(store: Store) -> None:
    def assign(tx: Transaction, b: Instance, old: Deployment) -> None:
        tx.inventory.assign([NewAssignment(b.id, V2, old.id)])

    assert await kept(store, assign)


async def test_what_somebody_waits_for_is_kept(store: Store) -> None:
    def wait(tx: Transaction, b: Instance, old: Deployment) -> None:
        tx.convergences.put(Convergence(instance=b, source_id=old.id, desired=V2))

    assert await kept(store, wait)


async def test_what_an_heir_still_has_from_it_is_kept(store: Store) -> None:
    assert await kept(store, lambda tx, b, old: tx.heirs.add(old.id, [b.id]))


async def test_what_an_heir_had_from_it_is_not(store: Store) -> None:
    def overtake(tx: Transaction, b: Instance, old: Deployment) -> None:
        tx.heirs.add(old.id, [b.id])
        roll_out(tx, b, at=NEW, labels={"b": "x"})

    assert not await kept(store, overtake)


async def test_what_holds_again_since_the_later_ones_were_undone_is_kept(store: Store) -> None:
    def look(tx: Transaction) -> None:
        (a,) = add(tx, "a")
        old, later = roll_out(tx, a, at=OLD), roll_out(tx, a, at=NEW)
        rollback = roll_out(tx, a, kind=Kind.ROLLBACK, of=later.id, at=NEW)
        withdraw(tx, later, rollback.id)
        tx.inventory.assign([NewAssignment(a.id, V2, rollback.id)])
        for _ in range(2):  # So that it is not kept to be inherited.
            roll_out(tx, at=NEW)
        assert left_after(tx, [old]) == [old.id]

    await store.write(look)


@pytest.mark.parametrize("how", ["updated", "inherited"])
async def test_what_was_overtaken_by_it_does_not_overtake_it(store: Store, how: str) -> None:
    """The newest of two that gave an instance its state can be rolled back, and the older one cannot."""

    def look(tx: Transaction) -> None:
        (a,) = add(tx, "a")
        instances = (a,) if how == "updated" else ()
        older, newest = roll_out(tx, *instances, at=OLD), roll_out(tx, *instances, at=OLD)
        if how == "inherited":
            tx.heirs.add(older.id, [a.id])
            tx.heirs.add(newest.id, [a.id])
        for _ in range(2):  # So that none is kept to be inherited.
            roll_out(tx, at=NEW)
        assert left_after(tx, [older, newest]) == [newest.id]

    await store.write(look)


async def test_the_newest_two_to_inherit_from_are_kept(store: Store) -> None:
    def look(tx: Transaction) -> None:
        alike = [roll_out(tx, at=OLD) for _ in range(4)]
        other = roll_out(tx, at=OLD, labels={"env": "other"})
        withdrawn = withdraw(tx, roll_out(tx, at=OLD))
        assert left_after(tx, [*alike, other, withdrawn]) == [alike[2].id, alike[3].id, other.id]

    await store.write(look)


async def test_a_rollback_and_what_it_undoes_are_kept_and_forgotten_together(store: Store) -> None:
    def look(tx: Transaction) -> None:
        a, b = add(tx, "a", "b")
        both = []
        for instance in (a, b):
            undone = roll_out(tx, instance, at=OLD)
            rollback = roll_out(tx, instance, kind=Kind.ROLLBACK, of=undone.id, at=OLD)
            both += [withdraw(tx, undone, rollback.id), rollback]
        tx.inventory.assign([NewAssignment(a.id, V2, both[1].id)])
        assert left_after(tx, both) == [both[0].id, both[1].id]

    await store.write(look)


async def test_they_are_looked_at_a_few_at_a_time(store: Store) -> None:
    def look(tx: Transaction) -> None:
        (a,) = add(tx, "a")
        old = [roll_out(tx, a, at=OLD) for _ in range(3)]
        overtaken(tx, a)
        assert tx.deployments.forget(LIMIT, 0, 2) == old[1].id
        assert [tx.deployments.get(each.id) is None for each in old] == [True, True, False]
        assert tx.deployments.forget(LIMIT, old[1].id, 2) is None
        assert tx.deployments.get(old[2].id) is None

    await store.write(look)


async def test_nobody_sees_a_forgotten_one(store: Store) -> None:
    def look(tx: Transaction) -> None:
        (a,) = add(tx, "a")
        old = roll_out(tx, a, at=OLD)
        brake = Brake(failed=1, stopped_at=3)
        tx.deployments.save(msgspec.structs.replace(old, brake=brake))
        overtaken(tx, a)
        later = tx.deployments.later_than(0)
        tx.deployments.forget(LIMIT, 0, 9)
        assert tx.deployments.later_than(0) == later[1:]
        assert tx.deployments.stopped_converging() == []
        assert old.id not in [each.id for each in tx.deployments.newest_completed()]

    await store.write(look)
