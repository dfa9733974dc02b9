"""The store of a simulated coordinator: what it tells its followers, and when; who is alone."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from dides.model.errors import OutcomeUnknownError
from dides.store.interface import Transaction
from dides.store.records import Changes, MustBeAloneError, NewAssignment
from simulator.base.clock import VirtualClock
from simulator.base.disk import Disk
from simulator.base.loop import Owner, VirtualLoop, run_virtually
from simulator.world.store import NEWS, SELDOM, SimulatedStore
from support.stores import V2, add

LONG = NEWS + 2 * SELDOM


class Site:
    """A disk, and the stores of two coordinators on it."""

    def __init__(self, directory: Path, *, in_order: bool = False) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        clock = VirtualClock(loop)
        self.disk = Disk(directory, clock)
        self.problems: list[str] = []
        self.disk.problem = lambda _, detail: self.problems.append(detail)
        self.alpha, self.beta = (
            SimulatedStore(self.disk, clock, name, 1, in_order=in_order, shared=True) for name in ("alpha.1", "beta.1")
        )


class Names(list[str]):
    """What a follower heard, in order: names, and `-name` of those that are gone."""

    def take(self, changes: Changes) -> None:
        self += [summary.name for summary in changes.summaries]
        self += [f"-{name}" for _, name in changes.gone]


Play = Callable[[Callable[[Site], Coroutine[Any, Any, None]]], None]


@pytest.fixture(params=[False, True], ids=["out of order", "in order"])
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Play:
    def run(story: Callable[[Site], Coroutine[Any, Any, None]]) -> None:
        async def main() -> None:
            site = Site(tmp_path, in_order=request.param)
            try:
                await story(site)
                assert not site.problems
            finally:
                site.disk.close()

        run_virtually(main())

    return run


def test_ones_own_changes_are_told_before_the_write_returns_those_of_others_soon(play: Play) -> None:
    async def story(site: Site) -> None:
        await site.alpha.write(lambda tx: add(tx, "web-1"))
        own, others = Names(), Names()
        await site.alpha.follow(own.take)
        await site.beta.follow(others.take)
        assert own == others == ["web-1"]
        (seen,) = await site.alpha.write(lambda tx: add(tx, "web-2"))
        assert own == ["web-1", "web-2"]
        await asyncio.sleep(NEWS)
        assert others == own
        await site.alpha.write(lambda tx: tx.inventory.remove(seen, 0))
        assert own[-1] == "-web-2"
        await asyncio.sleep(NEWS)
        assert others == own

    play(story)


def test_who_is_kept_from_the_database_hears_later(play: Play) -> None:
    async def story(site: Site) -> None:
        heard = Names()
        await site.beta.follow(heard.take)
        site.beta.away = True
        await site.alpha.write(lambda tx: add(tx, "web-1"))
        await asyncio.sleep(10)
        assert heard == []
        site.beta.away = False
        await asyncio.sleep(NEWS)
        assert heard == ["web-1"]

    play(story)


def test_who_stands_still_hears_when_it_goes_on_and_who_is_dead_never(play: Play) -> None:
    async def story(site: Site) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        owner, heard = Owner("beta.1"), Names()
        await owner.spawn(loop, site.beta.follow(heard.take))
        owner.stop()
        await site.alpha.write(lambda tx: add(tx, "web-1"))
        await asyncio.sleep(LONG)
        assert heard == []
        owner.go_on(loop)
        await asyncio.sleep(0)
        assert heard == ["web-1"]
        await site.alpha.write(lambda tx: add(tx, "web-2"))
        site.beta.dead = True
        await asyncio.sleep(LONG)
        assert heard == ["web-1"]

    play(story)


@pytest.mark.parametrize("done", [True, False])
def test_who_never_learns_of_a_commit_hears_of_it_later_if_it_was_done(play: Play, done: bool) -> None:
    async def story(site: Site) -> None:
        own, others = Names(), Names()
        await site.alpha.follow(own.take)
        await site.beta.follow(others.take)
        site.alpha.lose_outcomes((done,), 5.0)
        with pytest.raises(OutcomeUnknownError):
            await site.alpha.write(lambda tx: add(tx, "web-1"))
        assert others == ["web-1"] * done
        assert own == []
        await asyncio.sleep(NEWS)
        assert own == ["web-1"] * done
        await site.alpha.write(lambda tx: add(tx, "web-2"))
        assert own[-1] == "web-2"

    play(story)


@pytest.mark.parametrize("everything", [True, False])
def test_a_feed_that_broke_tells_once_it_is_mended(play: Play, everything: bool) -> None:
    async def story(site: Site) -> None:
        heard = Names()
        await site.alpha.write(lambda tx: add(tx, "web-1"))
        await site.beta.follow(heard.take)
        site.beta.break_feed(everything=everything)
        (seen,) = await site.alpha.write(lambda tx: add(tx, "web-2"))
        await asyncio.sleep(3)
        assert heard == ["web-1"]
        assert site.beta.behind >= 3
        assert await site.beta.read(lambda tx: tx.inventory.get("web-2"))
        site.beta.mend_feed()
        await asyncio.sleep(0)
        assert heard[1:] == (["web-2", "web-1", "web-2"] if everything else ["web-2"])
        assert site.beta.behind == 0
        await site.alpha.write(lambda tx: tx.inventory.remove(seen, 0))
        await asyncio.sleep(NEWS)
        assert heard[-1] == "-web-2"

    play(story)


def test_no_summary_comes_after_its_instance_is_gone(play: Play) -> None:
    async def story(site: Site) -> None:
        heard = Names()
        await site.beta.follow(heard.take)
        for number in range(20):
            (seen,) = await site.alpha.write(lambda tx, name=f"web-{number}": add(tx, name))  # type: ignore[misc]
            await site.alpha.write(lambda tx, key=seen.id: tx.inventory.assign([NewAssignment(key, V2, 1)]))  # type: ignore[misc]
            await site.beta.write(lambda tx, its=seen: tx.inventory.remove(its, 0))  # type: ignore[misc]
        await asyncio.sleep(LONG)
        for number in range(20):
            assert f"web-{number}" not in heard[heard.index(f"-web-{number}") :]

    play(story)


def test_a_unit_that_has_to_be_alone_is_run_again(tmp_path: Path) -> None:
    runs: list[bool] = []

    def decide(tx: Transaction) -> str:
        runs.append(tx.alone)
        add(tx, "web-1")
        if not tx.alone:
            raise MustBeAloneError
        return "decided"

    async def main() -> None:
        site = Site(tmp_path)
        assert await site.alpha.write(decide, alone=False) == "decided"
        assert not site.problems
        site.disk.close()

    run_virtually(main())
    assert runs == [False, True]


def test_where_writes_come_in_order_each_is_alone(tmp_path: Path) -> None:
    async def main() -> None:
        site = Site(tmp_path, in_order=True)
        assert await site.alpha.write(lambda tx: tx.alone, alone=False)
        site.disk.close()

    run_virtually(main())
