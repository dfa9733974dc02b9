"""What the instance cache knows of the fleet is the newest that has come, whatever the order."""

import asyncio
import random
from collections import Counter

import pytest

from dides.coordinator.memory.instance_cache import InstanceCache
from dides.coordinator.memory.waiters import Waiters
from dides.model.instance import InstanceSummary
from dides.model.state import State, Status
from dides.store.records import Changes
from support.summaries import a_summary

PATIENCE = 20.0


def view_of(*summaries: InstanceSummary, waiters: Waiters | None = None) -> InstanceCache:
    instance_cache = InstanceCache(waiters or Waiters())
    instance_cache.apply(Changes(list(summaries), []))
    return instance_cache


def test_a_change_that_was_overtaken_is_passed_over() -> None:
    newer, older = a_summary(revision=3, message="newer"), a_summary(revision=2, message="older")
    instance_cache = view_of(newer, older)
    assert instance_cache.get("web-1") is newer
    instance_cache.apply(Changes([], [(0, "web-1")]))
    assert instance_cache.get("web-1") is newer, "an instance of that name that is gone was an earlier one"


def test_an_instance_of_the_same_name_that_came_later_takes_its_place() -> None:
    later = a_summary(id=2, revision=0)
    assert view_of(a_summary(id=1, revision=9), later).get("web-1") is later


def test_it_tells_who_is_gone_also_of_those_it_did_not_know() -> None:
    instance_cache, gone = view_of(a_summary(id=1)), list[int]()
    instance_cache.on_gone = gone.append
    instance_cache.apply(Changes([], [(1, "web-1"), (7, "other")]))
    assert gone == [1, 7]
    assert len(instance_cache) == 0


def test_it_tells_who_has_become_reachable() -> None:
    instance_cache, assigned = InstanceCache(Waiters()), list[str]()
    instance_cache.on_reachable = assigned.extend
    for revision, reachable in enumerate([True, True, False, False, True], start=1):
        instance_cache.apply(Changes([a_summary(revision=revision, reachable=reachable)], []))
    assert assigned == ["web-1", "web-1"]


async def test_who_waits_is_woken_by_a_new_generation_and_by_the_end_of_the_instance() -> None:
    waiters = Waiters()
    instance_cache = view_of(a_summary(), waiters=waiters)
    wait = waiters.wait("web-1", PATIENCE)
    instance_cache.apply(Changes([a_summary(revision=2, status=Status.DEGRADED)], []))
    assert waiters.holds("web-1")
    instance_cache.apply(Changes([a_summary(revision=3, generation=1)], []))
    await asyncio.wait_for(wait, PATIENCE / 2)
    wait = waiters.wait("web-1", PATIENCE)
    instance_cache.apply(Changes([], [(1, "web-1")]))
    await asyncio.wait_for(wait, PATIENCE / 2)


async def test_what_it_knew_of_another_database_is_forgotten_and_who_waits_looks_again() -> None:
    waiters = Waiters()
    instance_cache = view_of(a_summary("web-1", id=1, revision=9), a_summary("web-2", id=2), waiters=waiters)
    wait, now = waiters.wait("web-2", PATIENCE), a_summary("web-1", id=1, revision=3)
    instance_cache.apply(Changes([now], [], anew=True))
    await asyncio.wait_for(wait, PATIENCE / 2)
    assert (len(instance_cache), instance_cache.get("web-1"), instance_cache.get("web-2")) == (1, now, None)
    assert (instance_cache.reachable, instance_cache.statuses.total(), instance_cache.census.total()) == (1, 1, 1)


@pytest.mark.parametrize("seed", range(30))
def test_its_totals_are_those_of_a_count(seed: int) -> None:
    chance, instance_cache = random.Random(seed), InstanceCache(Waiters())
    latest: dict[str, InstanceSummary] = {}
    for revision in range(1, 200):
        name = f"web-{chance.randrange(5)}"
        if chance.random() < 0.02:
            instance_cache.apply(Changes(list(latest.values()), [], anew=True))
        if chance.random() < 0.1 and name in latest:
            instance_cache.apply(Changes([], [(latest.pop(name).id, name)]))
            continue
        number = latest[name].id if name in latest else revision
        summary = a_summary(
            name,
            id=number,
            revision=revision,
            status=chance.choice(list(Status)),
            current=State(chance.choice("12")),
            desired=chance.choice([None, State("1"), State("2")]),
            reachable=chance.random() < 0.7,
            generation=chance.choice([0, 1]),
        )
        latest[name] = summary
        instance_cache.apply(Changes([summary], []))
    assert instance_cache.census == Counter((each.status, each.current.code_version) for each in latest.values())
    assert instance_cache.statuses == Counter(each.status for each in latest.values())
    assert instance_cache.reachable == sum(each.reachable for each in latest.values())
    assert instance_cache.awaited == sum(each.reachable and each.awaited for each in latest.values())
    assert instance_cache.update_needed == sum(not each.current.meets(each.desired) for each in latest.values())
    assert len(instance_cache) == len(latest)
