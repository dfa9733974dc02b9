"""The last signs of life: blocks of each coordinator, which the others read."""

from dides.store.base import Store, Transaction

SOME, OTHER = bytes(range(256)) * 32, b"\x00" * 8192


def put(tx: Transaction) -> None:
    tx.sightings.put("alpha", {0: SOME, 7: OTHER})
    tx.sightings.put("beta", {0: OTHER})


async def test_the_blocks_of_others_are_found_by_coordinator_and_number(store: Store) -> None:
    await store.write(put, alone=False)
    assert await store.read(lambda tx: tx.sightings.of_others("alpha")) == {"beta": {0: OTHER}}
    assert await store.read(lambda tx: tx.sightings.of_others("beta")) == {"alpha": {0: SOME, 7: OTHER}}
    assert set(await store.read(lambda tx: tx.sightings.of_others("gamma"))) == {"alpha", "beta"}


async def test_a_block_is_replaced_and_the_others_stay(store: Store) -> None:
    await store.write(put)
    await store.write(lambda tx: tx.sightings.put("alpha", {7: SOME, 9: b""}))
    assert await store.read(lambda tx: tx.sightings.of_others("beta")) == {"alpha": {0: SOME, 7: SOME, 9: b""}}
    assert await store.read(lambda tx: tx.sightings.of_others("alpha")) == {"beta": {0: OTHER}}


async def test_to_put_nothing_is_fine(store: Store) -> None:
    await store.write(lambda tx: tx.sightings.put("alpha", {}))
    assert await store.read(lambda tx: tx.sightings.of_others("")) == {}


async def test_those_of_a_coordinator_are_forgotten_together(store: Store) -> None:
    await store.write(put)
    await store.write(lambda tx: tx.sightings.forget(["alpha", "gone"]))
    await store.write(lambda tx: tx.sightings.forget([]))
    assert await store.read(lambda tx: tx.sightings.of_others("")) == {"beta": {0: OTHER}}
