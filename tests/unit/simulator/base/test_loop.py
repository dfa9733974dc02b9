"""The loop with virtual time, and processes that are stopped and killed on it."""

import asyncio

import pytest

from simulator.base.loop import DeadlockError, Owner, VirtualLoop, run_virtually


def _loop() -> VirtualLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop


async def _tick(seen: list[float], seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        seen.append(_loop().time())


def test_a_day_goes_by_at_once() -> None:
    async def wait() -> float:
        await asyncio.sleep(86_400)
        return _loop().time()

    assert run_virtually(wait()) == pytest.approx(86_400)


def test_timers_go_off_in_their_order() -> None:
    async def wait() -> list[int]:
        seen: list[int] = []
        for number, seconds in enumerate((3, 1, 2)):
            _loop().call_later(seconds, seen.append, number)
        await asyncio.sleep(4)
        return seen

    assert run_virtually(wait()) == [1, 2, 0]


def test_waiting_for_nothing_is_an_error() -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    with pytest.raises(DeadlockError):
        run_virtually(wait())


def test_a_stopped_process_does_nothing_and_then_goes_on() -> None:
    async def watch() -> list[float]:
        loop, owner, seen = _loop(), Owner("one"), list[float]()
        owner.spawn(loop, _tick(seen, 1.0))
        await asyncio.sleep(2.5)
        owner.stop()
        await asyncio.sleep(10)
        owner.go_on(loop)
        await asyncio.sleep(1.2)
        return seen

    assert run_virtually(watch()) == pytest.approx([1.0, 2.0, 12.5, 13.5])


def test_another_process_runs_on_meanwhile() -> None:
    async def watch() -> list[float]:
        loop, stopped, seen = _loop(), Owner("stopped"), list[float]()
        Owner("other").spawn(loop, _tick(seen, 1.0))
        stopped.stop()
        await asyncio.sleep(3.5)
        return seen

    assert run_virtually(watch()) == pytest.approx([1.0, 2.0, 3.0])


def test_a_killed_process_is_gone_with_all_that_it_has_started() -> None:
    async def watch() -> list[float]:
        loop, owner, seen = _loop(), Owner("one"), list[float]()

        async def start_another() -> None:
            asyncio.get_running_loop().create_task(_tick(seen, 1.0))
            await asyncio.sleep(100)

        owner.spawn(loop, start_another())
        await asyncio.sleep(1.5)
        owner.stop()
        owner.kill(loop)
        await asyncio.sleep(10)
        assert not owner.tasks
        return seen

    assert run_virtually(watch()) == pytest.approx([1.0])
