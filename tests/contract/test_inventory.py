"""The inventory: who is in the fleet, what they report, what they are told."""

import msgspec
import pytest

from dides.model.instance import Matched
from dides.model.selector import Selector, parse_selector
from dides.model.state import NOTHING, State, Status
from dides.store.interface import Store, Transaction
from dides.store.records import NewAssignment, StaleError
from support.stores import V1, V2, add, an_instance, credential

EVERYONE = Selector()


def names(tx: Transaction, selector: Selector = EVERYONE, status: Status | None = None, after: str = "") -> list[str]:
    return [each.name for each in tx.inventory.page(selector, status, after, 100)]


async def test_an_added_instance_comes_back_whole(store: Store) -> None:
    told = an_instance(
        ip="2001:db8::1",
        labels={"env": "prod", "note": ""},
        status=Status.DEGRADED,
        current=State("1", None),
        desired=State(None, "b"),
        last_good=V1,
        generation=7,
        assigned_by=42,
        message="naïve ☃",
        reachable=False,
    )
    stored = await store.write(lambda tx: tx.inventory.add(told, b"hash"))
    assert stored == msgspec.structs.replace(told, id=stored.id)
    assert await store.read(lambda tx: tx.inventory.get("web-1")) == stored


async def test_an_instance_that_never_reported_comes_back_with_nothing(store: Store) -> None:
    fresh = an_instance(labels={}, status=Status.UNKNOWN, current=NOTHING, last_heartbeat_at=None)
    await store.write(lambda tx: tx.inventory.add(fresh, b"hash"))
    found = await store.read(lambda tx: tx.inventory.get("web-1"))
    assert found is not None
    assert (found.current, found.desired, found.last_good) == (NOTHING, None, None)
    assert found.last_heartbeat_at is None


async def test_a_name_is_taken_once(store: Store) -> None:
    await store.write(lambda tx: add(tx, "web-1"))
    with pytest.raises(StaleError):
        await store.write(lambda tx: tx.inventory.add(an_instance(), b"another"))
    assert await store.read(lambda tx: tx.inventory.count(EVERYONE, None)) == 1


async def test_a_heartbeat_and_a_telling_write_different_columns(store: Store) -> None:
    def reported_and_told_from_one_reading(tx: Transaction) -> None:
        (seen,) = add(tx, "web-1")
        tx.inventory.assign([NewAssignment(seen.id, V2, 5)])
        # The heartbeat was worked out from a reading that did not know of the assignment, and the other way round.
        tx.inventory.record(
            [msgspec.structs.replace(seen, status=Status.FAILED, message="no", current=V2, reachable=False)]
        )
        tx.inventory.assign([NewAssignment(seen.id, V1, 6)])

    await store.write(reported_and_told_from_one_reading)
    found = await store.read(lambda tx: tx.inventory.get("web-1"))
    assert found is not None
    assert (found.desired, found.generation, found.assigned_by) == (V1, 2, 6)
    assert (found.status, found.message, found.current) == (Status.FAILED, "no", V2)
    assert not found.reachable


async def test_a_heartbeat_leaves_address_labels_and_registration_alone(store: Store) -> None:
    def report(tx: Transaction) -> None:
        (seen,) = add(tx, "web-1")
        late = msgspec.structs.replace(seen, ip="198.51.100.9", labels={"env": "test"}, registered_at=1)
        tx.inventory.record([late])

    await store.write(report)
    found = await store.read(lambda tx: tx.inventory.get("web-1"))
    assert found is not None
    assert (found.ip, found.labels, found.registered_at) == (
        "192.0.2.1",
        {"env": "prod"},
        an_instance().registered_at,
    )


async def test_recording_and_telling_nobody_is_fine(store: Store) -> None:
    assert await store.write(lambda tx: tx.inventory.assign([])) == {}
    await store.write(lambda tx: tx.inventory.record([]))
    await store.write(lambda tx: tx.inventory.set_last_good({}))


async def test_every_telling_raises_the_generation_even_to_an_equal_state(store: Store) -> None:
    def tell_twice(tx: Transaction) -> tuple[dict[int, int], dict[int, int], list[int]]:
        ids = [each.id for each in add(tx, "web-1", "web-2")]
        first = tx.inventory.assign([NewAssignment(each, V2, 1) for each in ids])
        return first, tx.inventory.assign([NewAssignment(ids[0], V2, 1)]), ids

    first, second, ids = await store.write(tell_twice)
    assert first == {ids[0]: 1, ids[1]: 1}
    assert second == {ids[0]: 2}


async def test_telling_nothing_clears_the_desired_state(store: Store) -> None:
    def assign(tx: Transaction) -> None:
        (instance,) = add(tx, "web-1", desired=V1)
        tx.inventory.assign([NewAssignment(instance.id, None, 9)])

    await store.write(assign)
    found = await store.read(lambda tx: tx.inventory.get("web-1"))
    assert found is not None
    assert (found.desired, found.generation) == (None, 1)


async def test_registering_again_replaces_address_labels_credential_and_report(store: Store) -> None:
    def replace(tx: Transaction) -> None:
        (before,) = add(tx, "web-1", desired=V2, generation=4)
        after = an_instance(ip="198.51.100.9", labels={"env": "test"}, status=Status.UNKNOWN, current=NOTHING)
        tx.inventory.replace(msgspec.structs.replace(after, id=before.id, desired=None, generation=0), b"new")

    await store.write(replace)
    found = await store.read(lambda tx: tx.inventory.get("web-1"))
    assert found is not None
    assert (found.ip, found.labels, found.status, found.current) == (
        "198.51.100.9",
        {"env": "test"},
        Status.UNKNOWN,
        NOTHING,
    )
    assert (found.desired, found.generation) == (V2, 4), "a registration tells nothing"
    assert await store.read(lambda tx: tx.inventory.owner_of(b"new")) == "web-1"
    assert await store.read(lambda tx: tx.inventory.owner_of(credential("web-1"))) is None
    assert await store.read(lambda tx: names(tx, parse_selector("env=test"))) == ["web-1"]
    assert await store.read(lambda tx: names(tx, parse_selector("env=prod"))) == []


async def test_last_good_states_are_set_by_id(store: Store) -> None:
    def set_them(tx: Transaction) -> None:
        one, two, _ = add(tx, "web-1", "web-2", "web-3", last_good=V1)
        tx.inventory.set_last_good({one.id: V2, two.id: State("3")})

    await store.write(set_them)
    found = await store.read(lambda tx: tx.inventory.many(["web-1", "web-2", "web-3"]))
    assert [found[name].last_good for name in sorted(found)] == [V2, State("3"), V1]


async def test_many_finds_those_that_exist_however_many_are_asked_for(store: Store) -> None:
    await store.write(lambda tx: add(tx, "web-1", "web-2"))
    asked = ["web-1", "gone", *(f"nobody-{number}" for number in range(40_000)), "web-2"]
    assert set(await store.read(lambda tx: tx.inventory.many(asked))) == {"web-1", "web-2"}
    assert await store.read(lambda tx: tx.inventory.get("gone")) is None


async def test_pages_go_by_name_and_can_be_taken_up_again(store: Store) -> None:
    await store.write(lambda tx: add(tx, "b", "a", "d", "c"))
    await store.write(lambda tx: add(tx, "aa", status=Status.FAILED))
    first = await store.read(lambda tx: tx.inventory.page(EVERYONE, None, "", 2))
    assert [each.name for each in first] == ["a", "aa"]
    assert await store.read(lambda tx: names(tx, after="aa")) == ["b", "c", "d"]
    assert await store.read(lambda tx: names(tx, status=Status.FAILED)) == ["aa"]
    assert await store.read(lambda tx: tx.inventory.count(EVERYONE, Status.HEALTHY)) == 4


async def test_matching_gives_what_a_trigger_needs(store: Store) -> None:
    stored = await store.write(lambda tx: add(tx, "web-1"))
    await store.write(lambda tx: add(tx, "db-1", labels={}))
    found = await store.read(lambda tx: tx.inventory.matching(parse_selector("env=prod")))
    assert found == [Matched(stored[0].id, "web-1", V1, sends_observed=False)]
    heard = msgspec.structs.replace(stored[0], observed=0)
    await store.write(lambda tx: tx.inventory.record([heard]))
    found = await store.read(lambda tx: tx.inventory.matching(parse_selector("env=prod")))
    assert found == [Matched(stored[0].id, "web-1", V1)]


async def test_new_labels_replace_the_old_for_readers_and_selectors(store: Store) -> None:
    def relabel(tx: Transaction) -> None:
        (instance,) = add(tx, "web-1", labels={"env": "prod", "old": "yes"})
        owned = {"env": "test", "old": None}
        tx.inventory.relabel(msgspec.structs.replace(instance, labels={"env": "test"}, owned=owned, ip="ignored"))

    await store.write(relabel)
    found = await store.read(lambda tx: tx.inventory.get("web-1"))
    assert found is not None
    assert (found.labels, found.ip) == ({"env": "test"}, "192.0.2.1")
    assert found.owned == {"env": "test", "old": None}
    (listed,) = await store.read(lambda tx: tx.inventory.page(EVERYONE, None, "", 9))
    assert listed == found
    assert await store.read(lambda tx: names(tx, parse_selector("env=test,!old"))) == ["web-1"]


async def test_the_keys_of_all_labels_each_once(store: Store) -> None:
    def look(tx: Transaction) -> None:
        assert tx.inventory.label_keys() == []
        (first, *_) = add(tx, "web-1", "web-2", labels={"zone": "a", "env": "prod"})
        add(tx, "web-3", labels={"example.com/Role": "", "env": "test", "Zone": "b"})
        add(tx, "web-4", labels={})
        assert tx.inventory.label_keys() == ["Zone", "env", "example.com/Role", "zone"]
        tx.inventory.relabel(msgspec.structs.replace(first, labels={}))
        tx.inventory.remove(next(iter(tx.inventory.many(["web-2"]).values())), 0)
        assert tx.inventory.label_keys() == ["Zone", "env", "example.com/Role"]

    await store.write(look)


async def test_credentials_lead_to_their_owners(store: Store) -> None:
    await store.write(lambda tx: add(tx, "web-1", "web-2"))
    assert await store.read(lambda tx: tx.inventory.credential_of("web-2")) == credential("web-2")
    assert await store.read(lambda tx: tx.inventory.owner_of(credential("web-2"))) == "web-2"
    assert await store.read(lambda tx: tx.inventory.credential_of("gone")) is None
    assert await store.read(lambda tx: tx.inventory.owner_of(b"nobody's")) is None


async def test_the_reachable_are_named(store: Store) -> None:
    await store.write(lambda tx: add(tx, "web-1", "web-2"))
    await store.write(lambda tx: add(tx, "web-3", reachable=False))
    assert sorted(await store.read(lambda tx: tx.inventory.reachable_names())) == ["web-1", "web-2"]


async def test_the_credential_of_a_removed_instance_is_remembered_for_a_while(store: Store) -> None:
    def remove(tx: Transaction) -> None:
        for at, instance in enumerate(add(tx, "web-1", "web-2"), start=1):
            tx.inventory.remove(instance, at * 1000)

    await store.write(remove)
    assert await store.read(lambda tx: tx.inventory.get("web-1")) is None
    assert await store.read(lambda tx: tx.inventory.owner_of(credential("web-1"))) is None
    assert await store.read(lambda tx: tx.inventory.decommissioned(credential("web-1"))) == "web-1"
    assert await store.read(lambda tx: tx.inventory.decommissioned(b"nobody's")) is None
    assert await store.write(lambda tx: tx.inventory.forget_decommissioned(2000)) == 1
    assert await store.read(lambda tx: tx.inventory.decommissioned(credential("web-1"))) is None
    assert await store.read(lambda tx: tx.inventory.decommissioned(credential("web-2"))) == "web-2"


async def test_a_name_that_is_free_again_gets_a_new_id(store: Store) -> None:
    def replace_the_newest(tx: Transaction) -> tuple[int, int]:
        (first,) = add(tx, "web-1")
        tx.inventory.remove(first, 0)
        return first.id, tx.inventory.add(an_instance(), b"another").id

    first, second = await store.write(replace_the_newest)
    assert second > first
