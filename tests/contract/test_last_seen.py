"""The last-seen times: blocks of each coordinator, which the others read."""

from dides.store.interface import Store, Transaction
from dides.store.records import LastSeenBlocks
from support.clocks import MONDAY

SOME, OTHER = bytes(range(256)) * 32, b"\x00" * 8192


def put(tx: Transaction) -> None:
    tx.last_seen.put("alpha", {0: SOME, 7: OTHER}, MONDAY)
    tx.last_seen.put("beta", {0: OTHER}, MONDAY + 1)


async def test_the_blocks_of_others_are_found_by_coordinator_and_number(store: Store) -> None:
    await store.write(put, alone=False)
    assert await store.read(lambda tx: tx.last_seen.of_others("alpha", 0)) == {
        "beta": LastSeenBlocks(MONDAY + 1, {0: OTHER})
    }
    assert await store.read(lambda tx: tx.last_seen.of_others("beta", 0)) == {
        "alpha": LastSeenBlocks(MONDAY, {0: SOME, 7: OTHER})
    }
    assert set(await store.read(lambda tx: tx.last_seen.of_others("gamma", 0))) == {"alpha", "beta"}


async def test_a_block_is_replaced_and_the_others_stay(store: Store) -> None:
    await store.write(put)
    await store.write(lambda tx: tx.last_seen.put("alpha", {7: SOME, 9: b""}, MONDAY))
    assert await store.read(lambda tx: tx.last_seen.of_others("beta", 0)) == {
        "alpha": LastSeenBlocks(MONDAY, {0: SOME, 7: SOME, 9: b""})
    }
    assert await store.read(lambda tx: tx.last_seen.of_others("alpha", 0)) == {
        "beta": LastSeenBlocks(MONDAY + 1, {0: OTHER})
    }


async def test_to_put_nothing_is_fine(store: Store) -> None:
    await store.write(lambda tx: tx.last_seen.put("alpha", {}, MONDAY))
    assert await store.read(lambda tx: tx.last_seen.of_others("", 0)) == {}


async def test_old_blocks_are_not_asked_for_and_forgotten(store: Store) -> None:
    await store.write(put)
    assert await store.read(lambda tx: tx.last_seen.of_others("", MONDAY + 1)) == {
        "beta": LastSeenBlocks(MONDAY + 1, {0: OTHER})
    }
    assert await store.write(lambda tx: tx.last_seen.forget(MONDAY)) == 0
    assert await store.write(lambda tx: tx.last_seen.forget(MONDAY + 1)) == 2
    assert await store.read(lambda tx: tx.last_seen.of_others("", 0)) == {
        "beta": LastSeenBlocks(MONDAY + 1, {0: OTHER})
    }
