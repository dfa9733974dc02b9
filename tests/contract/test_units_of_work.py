"""Units of work: atomic, isolated, durable; and what happens at the end."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from dides.model.errors import ConflictError, UnavailableError
from dides.model.selector import Selector
from dides.store.interface import Store, Transaction
from support.clocks import FakeClock
from support.stores import add, an_instance, credential

PATIENCE = 10.0
Reopen = Callable[[], Store]


def count(tx: Transaction) -> int:
    return tx.inventory.count(Selector(), None)


async def test_a_unit_of_work_has_the_time_of_the_store_s_clock(store: Store, clock: FakeClock) -> None:
    for run in (store.write, store.read):
        before = store.clock.now()
        now = await run(lambda tx: tx.now)
        # A database's own clock is known here at the least, and a moment late.
        assert before <= now <= before + PATIENCE * 1000
        assert abs(store.clock.now() - now) < PATIENCE * 1000
        clock.advance(5)


async def test_it_reads_what_it_wrote_and_answers(store: Store) -> None:
    def work(tx: Transaction) -> int:
        add(tx, "web-1", "web-2")
        return count(tx)

    assert await store.write(work) == 2


async def test_its_error_reaches_whoever_asked_and_undoes_it(store: Store) -> None:
    def work(tx: Transaction) -> None:
        add(tx, "web-1", "web-2")
        raise ConflictError("no")

    with pytest.raises(ConflictError, match="no"):
        await store.write(work)
    assert await store.read(count) == 0


async def test_one_that_fails_among_many_undoes_just_its_own_writes(store: Store) -> None:
    def work(number: int) -> Callable[[Transaction], int]:
        def run(tx: Transaction) -> int:
            tx.inventory.add(an_instance(f"web-{number}"), credential(str(number)))
            if number % 5 == 3:
                raise ConflictError(str(number))
            return number

        return run

    results = await asyncio.gather(*(store.write(work(number)) for number in range(100)), return_exceptions=True)
    for number, result in enumerate(results):
        if number % 5 == 3:
            assert isinstance(result, ConflictError)
            assert result.detail == str(number)
        else:
            assert result == number
    assert await store.read(count) == 80


async def test_concurrent_writes_do_not_lose_each_other(store: Store) -> None:
    def increment(tx: Transaction) -> None:
        tx.keys.write_down("number", (tx.keys.noted("number") or 0) + 1)

    await asyncio.gather(*(store.write(increment) for _ in range(50)))
    assert await store.read(lambda tx: tx.keys.noted("number")) == 50


async def test_what_was_written_is_there_when_the_store_is_opened_again(store: Store, reopen: Reopen) -> None:
    stored = await store.write(lambda tx: add(tx, "web-1"))
    await store.close()
    again = reopen()
    try:
        assert await again.read(lambda tx: tx.inventory.get("web-1")) == stored[0]
    finally:
        await again.close()


async def test_a_reader_sees_one_snapshot_while_others_write(store: Store) -> None:
    looked, written = threading.Event(), threading.Event()

    def look_twice(tx: Transaction) -> tuple[int, int]:
        first = count(tx)
        looked.set()
        assert written.wait(PATIENCE)
        return first, count(tx)

    reading = asyncio.create_task(store.read(look_twice))
    assert await asyncio.to_thread(looked.wait, PATIENCE)
    await store.write(lambda tx: add(tx, "web-1"))
    written.set()
    assert await reading == (0, 0)
    assert await store.read(count) == 1


async def test_readers_do_not_see_what_is_not_committed(store: Store) -> None:
    wrote, look = threading.Event(), threading.Event()

    def write_and_wait(tx: Transaction) -> None:
        add(tx, "web-1")
        wrote.set()
        assert look.wait(PATIENCE)

    writing = asyncio.create_task(store.write(write_and_wait))
    assert await asyncio.to_thread(wrote.wait, PATIENCE)
    assert await store.read(count) == 0
    look.set()
    await writing
    assert await store.read(count) == 1


async def test_a_reader_s_error_reaches_whoever_asked(store: Store) -> None:
    def fails(_: Transaction) -> None:
        raise ConflictError("no")

    with pytest.raises(ConflictError):
        await store.read(fails)
    assert await store.read(count) == 0


async def test_who_stops_waiting_does_not_undo_the_write(store: Store) -> None:
    began, go_on = threading.Event(), threading.Event()

    def slow(tx: Transaction) -> None:
        began.set()
        assert go_on.wait(PATIENCE)
        add(tx, "web-1")

    writing = asyncio.create_task(store.write(slow))
    assert await asyncio.to_thread(began.wait, PATIENCE)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    go_on.set()
    await store.write(lambda tx: add(tx, "web-2"))
    assert await store.read(count) == 2


async def test_closing_finishes_what_was_accepted(store: Store, reopen: Reopen) -> None:
    async def write(name: str) -> None:
        await store.write(lambda tx: add(tx, name))

    writing = [asyncio.create_task(write(f"web-{number}")) for number in range(50)]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*writing)
    again = reopen()
    try:
        assert await again.read(count) == 50
    finally:
        await again.close()


async def test_a_closed_store_is_unavailable(store: Store) -> None:
    await store.close()
    with pytest.raises(UnavailableError):
        await store.write(count)
    with pytest.raises(UnavailableError):
        await store.read(count)
    await store.close()
