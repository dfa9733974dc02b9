"""The silent are found, each look costs what it finds, and it reads a last-seen time when that matters."""

import random

import pytest

from dides.coordinator.loops.silence import MOST_AT_ONCE, Liveness
from dides.coordinator.memory.instance_cache import InstanceCache
from dides.coordinator.memory.last_seen import LastSeen
from dides.coordinator.memory.waiters import Waiters
from dides.store.records import Changes
from support.summaries import a_summary

TTL = 30_000
START = 1_000_000


class Watched:
    """Instances a, b, c, ... with the ids 1, 2, 3, ..., each heard of at the start."""

    def __init__(self, *names: str) -> None:
        self.instance_cache, self.last_seen = InstanceCache(Waiters()), LastSeen()
        self.liveness = Liveness(self.instance_cache, self.last_seen)
        self.ids = {name: number for number, name in enumerate(names, start=1)}
        self.instance_cache.on_reachable = lambda names: self.liveness.watch(names, START + TTL)
        self.instance_cache.apply(Changes([a_summary(name, id=number) for name, number in self.ids.items()], []))
        self.hear(START, *names)

    def hear(self, at: int, *names: str) -> None:
        for name in names:
            self.last_seen.note(self.ids[name], at)

    def silent(self, at: int) -> list[str]:
        return sorted(self.liveness.silent(at, TTL))


def test_nobody_is_silent_before_the_time_to_live_is_over() -> None:
    watched = Watched("a")
    assert watched.silent(START + TTL - 1) == []
    assert watched.silent(START + TTL) == ["a"]


def test_the_silent_are_found_at_every_look_until_they_are_unreachable() -> None:
    watched = Watched("a", "b")
    assert watched.silent(START + TTL + 1000) == ["a", "b"]
    watched.instance_cache.apply(Changes([a_summary("a", id=1, revision=2, reachable=False)], []))
    assert watched.silent(START + TTL + 2000) == ["b"]
    watched.instance_cache.apply(Changes([], [(2, "b")]))
    assert watched.silent(START + TTL + 3000) == []


def test_a_sign_of_life_starts_it_anew() -> None:
    watched = Watched("a", "b")
    watched.hear(START + 20_000, "a")
    assert watched.silent(START + TTL) == ["b"]
    assert watched.silent(START + 20_000 + TTL - 1) == ["b"]
    assert watched.silent(START + 20_000 + TTL + 1000) == ["a", "b"]


def test_who_returns_is_watched_again() -> None:
    watched = Watched("a")
    watched.instance_cache.apply(Changes([a_summary("a", id=1, revision=2, reachable=False)], []))
    assert watched.silent(START + 2 * TTL) == []
    watched.hear(START + 2 * TTL, "a")
    watched.instance_cache.apply(Changes([a_summary("a", id=1, revision=3)], []))
    assert watched.silent(START + 3 * TTL - 1000) == []
    assert watched.silent(START + 3 * TTL + 1000) == ["a"]


def test_a_look_takes_only_so_many() -> None:
    watched = Watched(*(f"web-{number}" for number in range(MOST_AT_ONCE + 5)))
    assert len(watched.silent(START + TTL)) == MOST_AT_ONCE
    assert watched.liveness.is_due(START + TTL)
    assert len(watched.silent(START + TTL)) == 5
    assert not watched.liveness.is_due(START + TTL)


@pytest.mark.parametrize("seed", range(50))
def test_it_finds_whom_a_search_of_all_would_find(seed: int) -> None:
    """Against the plain definition, over random last-seen times and looks at random moments."""
    chance = random.Random(seed)
    names = [f"web-{number}" for number in range(20)]
    watched, last, found_at = Watched(*names), dict.fromkeys(names, START), dict.fromkeys(names, 0)
    now = START
    for _ in range(300):
        now += chance.randrange(0, 4_000)
        for name in chance.sample(names, chance.randrange(3)):
            last[name] = now
            watched.hear(now, name)
        for name in watched.silent(now):
            assert last[name] + TTL <= now
            found_at[name] = now
        for name in names:
            assert last[name] + TTL + 1000 > now or found_at[name] > now - 2000, "within a second, and again and again"
