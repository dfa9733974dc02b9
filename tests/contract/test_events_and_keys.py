"""The event log, idempotency keys and notes."""

import msgspec
import pytest

from dides.store.interface import Store, Transaction
from dides.store.records import Event
from support.stores import add, credential


def an_event(at: int, deployment_id: int | None = None, **fields: object) -> Event:
    usual = Event(at=at, kind="target.assigned", actor="system", deployment_id=deployment_id)
    return msgspec.structs.replace(usual, **fields)


def moments(
    tx: Transaction,
    deployment_id: int | None = None,
    cursor: int | None = None,
    limit: int = 100,
    *,
    back: bool = False,
) -> list[int]:
    return [each.at for each in tx.events.page(deployment_id, cursor, limit, newest_first=back)]


async def test_an_event_comes_back_whole_with_an_id(store: Store) -> None:
    happened = an_event(5, 42, instance="web-1", data={"reason": "naïve", "desired": {"code_version": None}, "n": [1]})
    await store.write(lambda tx: tx.events.append([happened]))
    (found,) = await store.read(lambda tx: tx.events.page(None, None, 10))
    assert found.id > 0
    assert found == msgspec.structs.replace(happened, id=found.id)


async def test_events_keep_the_order_in_which_they_came_not_that_of_their_times(store: Store) -> None:
    await store.write(lambda tx: tx.events.append([an_event(3), an_event(1)]))
    await store.write(lambda tx: tx.events.append([an_event(2)]))
    await store.write(lambda tx: tx.events.append([]))
    assert await store.read(moments) == [3, 1, 2]
    assert await store.read(lambda tx: moments(tx, back=True)) == [2, 1, 3]


async def test_events_are_paged_both_ways_within_a_deployment_or_all(store: Store) -> None:
    def page(tx: Transaction) -> None:
        tx.events.append([an_event(at, deployment_id=at % 2) for at in range(1, 9)])
        ids = {each.at: each.id for each in tx.events.page(None, None, 100)}
        assert moments(tx, limit=3) == [1, 2, 3]
        assert moments(tx, cursor=ids[3], limit=3) == [4, 5, 6]
        assert moments(tx, cursor=ids[8]) == []
        assert moments(tx, back=True, limit=3) == [8, 7, 6]
        assert moments(tx, cursor=ids[6], back=True, limit=3) == [5, 4, 3]
        assert moments(tx, 1) == [1, 3, 5, 7]
        assert moments(tx, 1, ids[3], limit=1) == [5]
        assert moments(tx, 0, ids[6], back=True) == [4, 2]
        assert moments(tx, 2) == []

    await store.write(page)


async def test_the_newest_events_of_one_instance_among_the_newest_of_all(store: Store) -> None:
    def look(tx: Transaction) -> None:
        assert tx.events.of_instance("web-1", 10, 100) == []
        tx.events.append([an_event(at, instance=f"web-{at % 2}") for at in range(1, 9)])

        def found(name: str, limit: int, newest: int) -> list[int]:
            return [each.at for each in tx.events.of_instance(name, limit, newest)]

        assert found("web-1", 10, 100) == [7, 5, 3, 1]
        assert found("web-1", 2, 100) == [7, 5]
        assert found("web-1", 10, 4) == [7, 5]
        assert found("web-0", 10, 1) == [8]
        assert found("web", 10, 100) == []

    await store.write(look)


async def test_old_events_are_pruned_and_their_ids_not_given_again(store: Store) -> None:
    def prune(tx: Transaction) -> None:
        tx.events.append([an_event(at) for at in (10, 20, 30)])
        newest = tx.events.page(None, None, 1, newest_first=True)[0].id
        assert tx.events.prune(20) == 1
        assert moments(tx) == [20, 30]
        assert tx.events.prune(100) == 2
        assert tx.events.prune(100) == 0
        tx.events.append([an_event(200)])
        assert tx.events.page(None, newest, 10)[0].at == 200

    await store.write(prune)


@pytest.mark.parametrize("old", range(0, 41, 5))
async def test_however_many_are_old_just_those_are_pruned(store: Store, old: int) -> None:
    def prune(tx: Transaction) -> None:
        tx.events.append([an_event(at) for at in range(40)])
        assert tx.events.prune(old) == old
        assert moments(tx) == list(range(old, 40))

    await store.write(prune)


async def test_old_events_are_pruned_in_pieces_the_oldest_first(store: Store) -> None:
    def prune(tx: Transaction) -> None:
        tx.events.append([an_event(at) for at in range(10)])
        assert tx.events.prune(7, most=3) == 3
        assert moments(tx) == list(range(3, 10))
        assert [tx.events.prune(7, most=3) for _ in range(3)] == [3, 1, 0]
        assert moments(tx) == [7, 8, 9]

    await store.write(prune)


async def test_whatever_is_old_is_deleted_in_pieces(store: Store) -> None:
    def forget(tx: Transaction) -> None:
        for at in range(10):
            tx.keys.remember("anna", f"k{at}", b"hash", at, at_ms=at)
            tx.last_seen.put("a coordinator", {at: b""}, at)
            tx.inventory.remove(add(tx, f"web-{at}")[0], at)
        for delete in (tx.keys.forget, tx.last_seen.forget, tx.inventory.forget_decommissioned):
            assert [delete(7, most=3) for _ in range(4)] == [3, 3, 1, 0]
        assert [at for at in range(10) if tx.keys.remembered("anna", f"k{at}", 0)] == [7, 8, 9]
        assert sorted(tx.last_seen.of_others("", 0)["a coordinator"].blocks) == [7, 8, 9]
        assert [at for at in range(10) if tx.inventory.decommissioned(credential(f"web-{at}"))] == [7, 8, 9]

    await store.write(forget)


async def test_a_key_is_remembered_for_its_actor_as_long_as_asked(store: Store) -> None:
    def remember(tx: Transaction) -> None:
        assert tx.keys.remembered("anna", "k", 0) is None
        tx.keys.remember("anna", "k", b"hash", 42, at_ms=100)
        assert tx.keys.remembered("anna", "k", 100) == (b"hash", 42)
        assert tx.keys.remembered("anna", "k", 101) is None
        assert tx.keys.remembered("ben", "k", 0) is None
        assert tx.keys.remembered("anna", "K", 0) is None

    await store.write(remember)


async def test_an_expired_key_is_replaced(store: Store) -> None:
    def replace(tx: Transaction) -> None:
        tx.keys.remember("anna", "k", b"hash", 42, at_ms=100)
        tx.keys.remember("anna", "k", b"other", 43, at_ms=200)
        assert tx.keys.remembered("anna", "k", 0) == (b"other", 43)

    await store.write(replace)


async def test_old_keys_are_forgotten(store: Store) -> None:
    def forget(tx: Transaction) -> None:
        for at in (100, 200):
            tx.keys.remember("anna", f"k{at}", b"hash", at, at_ms=at)
        assert tx.keys.forget(200) == 1
        assert tx.keys.remembered("anna", "k100", 0) is None
        assert tx.keys.remembered("anna", "k200", 0) == (b"hash", 200)

    await store.write(forget)


async def test_a_note_is_one_number_under_a_name(store: Store) -> None:
    def note(tx: Transaction) -> None:
        assert tx.keys.noted("alive_at") is None
        tx.keys.write_down("alive_at", 1)
        tx.keys.write_down("other", 2)
        tx.keys.write_down("alive_at", 2**53)
        assert (tx.keys.noted("alive_at"), tx.keys.noted("other")) == (2**53, 2)

    await store.write(note)
