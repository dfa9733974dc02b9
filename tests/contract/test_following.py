"""Following: whoever keeps the instances in memory hears of every change, and of no other."""

import asyncio
from collections.abc import Callable

import msgspec
import pytest

from dides.model.errors import ConflictError, UnavailableError
from dides.model.instance import InstanceSummary
from dides.model.state import State, Status
from dides.store.interface import Store, Transaction
from dides.store.records import Changes, MustBeAloneError, NewAssignment
from support.stores import V1, V2, add, an_instance, credential


class View:
    """The instances as a follower keeps them."""

    def __init__(self) -> None:
        self.summaries: dict[int, InstanceSummary] = {}
        self.gone: list[tuple[int, str]] = []
        self.told = 0
        self.loops: set[object] = set()

    def take(self, changes: Changes) -> None:
        self.told += 1
        self.loops.add(asyncio.get_running_loop())
        assert not {summary.id for summary in changes.summaries} & {number for number, _ in self.gone}
        for summary in changes.summaries:
            if summary.id not in self.summaries or summary.revision > self.summaries[summary.id].revision:
                self.summaries[summary.id] = summary
        for number, name in changes.gone:
            self.gone.append((number, name))
            self.summaries.pop(number, None)

    def __getitem__(self, name: str) -> InstanceSummary:
        return next(summary for summary in self.summaries.values() if summary.name == name)

    @property
    def names(self) -> list[str]:
        return sorted(summary.name for summary in self.summaries.values())


@pytest.fixture
def view() -> View:
    return View()


async def test_a_follower_is_told_of_everyone_first(store: Store, view: View) -> None:
    some = [f"web-{number}" for number in range(5_000)]
    await store.write(lambda tx: add(tx, *some))
    await store.follow(view.take)
    assert view.names == sorted(some)
    assert view.told > 1, "in pieces"
    assert view.loops == {asyncio.get_running_loop()}


async def test_a_summary_has_what_heartbeats_need(store: Store, view: View) -> None:
    fields = {
        "status": Status.DEGRADED,
        "current": State("1", None),
        "desired": State(None, "b"),
        "generation": 7,
        "assigned_by": 42,
        "message": "naïve ☃",
        "reachable": False,
        "heard": 6,
        "observed": 5,
    }
    await store.follow(view.take)
    (stored,) = await store.write(lambda tx: add(tx, "web-1", **fields))
    summary = view["web-1"]
    assert {name: getattr(summary, name) for name in fields} == fields
    assert (summary.id, summary.credential_hash) == (stored.id, credential("web-1"))
    assert type(summary.reachable) is bool


async def test_an_instance_without_states_has_none_in_its_summary(store: Store, view: View) -> None:
    await store.follow(view.take)
    await store.write(lambda tx: add(tx, "web-1", current=State(), last_heartbeat_at=None))
    assert (view["web-1"].current, view["web-1"].desired, view["web-1"].observed) == (State(), None, None)


async def test_every_kind_of_change_is_told_before_its_write_returns(store: Store, view: View) -> None:
    (seen,) = await store.write(lambda tx: add(tx, "web-1"))
    await store.follow(view.take)
    sick = msgspec.structs.replace(seen, status=Status.FAILED)
    kinds: list[Callable[[Transaction], object]] = [
        lambda tx: tx.inventory.record([sick]),
        lambda tx: tx.inventory.assign([NewAssignment(seen.id, V2, 1)]),
        lambda tx: tx.inventory.replace(seen, b"another"),
        lambda tx: tx.inventory.relabel(seen),
        lambda tx: tx.inventory.set_last_good({seen.id: V1}),
    ]
    for change in kinds:
        before = view["web-1"].revision
        await store.write(change)
        assert view["web-1"].revision > before
    assert (view["web-1"].status, view["web-1"].desired, view["web-1"].credential_hash) == (
        Status.HEALTHY,
        V2,
        b"another",
    )
    await store.write(lambda tx: tx.inventory.remove(seen, 0))
    assert view.summaries == {}
    assert view.gone == [(seen.id, "web-1")]


async def test_what_is_undone_is_not_told(store: Store, view: View) -> None:
    def fail(tx: Transaction) -> None:
        (seen,) = add(tx, "web-2")
        tx.inventory.remove(seen, 0)
        raise ConflictError("no")

    def again_alone(tx: Transaction) -> None:
        raise MustBeAloneError

    await store.follow(view.take)
    for failing in (fail, again_alone):
        with pytest.raises((ConflictError, MustBeAloneError)):
            await store.write(failing)
    await store.write(lambda tx: add(tx, "web-1"))
    assert view.names == ["web-1"]
    assert view.gone == []


async def test_who_only_reads_or_writes_other_things_tells_nothing(store: Store, view: View) -> None:
    await store.follow(view.take)
    told = view.told
    await store.write(lambda tx: tx.keys.write_down("n", 1))
    await store.write(lambda tx: tx.inventory.many(["web-1"]))
    await store.read(lambda tx: tx.inventory.many(["web-1"]))
    assert view.told == told


async def test_one_that_came_and_went_in_one_unit_of_work_is_only_gone(store: Store, view: View) -> None:
    def come_and_go(tx: Transaction) -> None:
        (seen,) = add(tx, "web-1")
        tx.inventory.remove(seen, 0)

    await store.follow(view.take)
    await store.write(come_and_go)
    assert view.summaries == {}
    assert [name for _, name in view.gone] == ["web-1"]


async def test_whatever_is_written_meanwhile_the_view_is_complete(store: Store, view: View) -> None:
    async def write(number: int) -> None:
        (seen,) = await store.write(lambda tx: add(tx, f"web-{number}"))
        await store.write(lambda tx: tx.inventory.assign([NewAssignment(seen.id, V2, number)]), alone=False)
        if number % 3 == 0:
            await store.write(lambda tx: tx.inventory.remove(seen, 0))

    writing = [asyncio.create_task(write(number)) for number in range(90)]
    await asyncio.sleep(0)
    await store.follow(view.take)
    await asyncio.gather(*writing)
    assert view.names == sorted(f"web-{number}" for number in range(90) if number % 3)
    assert all(summary.generation == 1 for summary in view.summaries.values())


async def test_two_may_follow(store: Store, view: View) -> None:
    other = View()
    await store.follow(view.take)
    await store.write(lambda tx: add(tx, "web-1"))
    await store.follow(other.take)
    await store.write(lambda tx: add(tx, "web-2"))
    assert view.names == other.names == ["web-1", "web-2"]


async def test_a_store_that_is_followed_is_not_behind(store: Store, view: View) -> None:
    await store.follow(view.take)
    assert store.behind < 5.0


async def test_a_closed_store_cannot_be_followed(store: Store, view: View) -> None:
    await store.close()
    with pytest.raises(UnavailableError):
        await store.follow(view.take)
    assert view.told == 0


async def test_a_report_is_written_whole(store: Store) -> None:
    (seen,) = await store.write(lambda tx: add(tx, "web-1"))
    said = an_instance(
        id=seen.id,
        status=Status.FAILED,
        current=State(None, "c"),
        last_good=State("1", None),
        message="naïve ☃",
        last_heartbeat_at=None,
        reachable=False,
        heard=3,
        observed=2**40,
    )
    await store.write(lambda tx: tx.inventory.record([said]))
    assert await store.read(lambda tx: tx.inventory.get("web-1")) == said


async def test_locked_instances_are_found_like_others(store: Store) -> None:
    def look(tx: Transaction) -> list[str]:
        return sorted(tx.inventory.many(["web-1", "gone", "web-2"], locked=True))

    await store.write(lambda tx: add(tx, "web-2", "web-1"))
    assert await store.write(look, alone=False) == ["web-1", "web-2"]
    assert await store.write(look) == ["web-1", "web-2"]


async def test_who_may_decide_is_alone(store: Store) -> None:
    assert await store.write(lambda tx: tx.alone)

    def decide(tx: Transaction) -> bool:
        add(tx, "web-1")
        if not tx.alone:
            raise MustBeAloneError
        return tx.alone

    assert await store.write(decide, alone=False)
    assert await store.read(lambda tx: list(tx.inventory.many(["web-1"]))) == ["web-1"]
