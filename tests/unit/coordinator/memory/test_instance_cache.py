"""What the view knows of the fleet is the newest that has come, whatever the order."""

import asyncio
import random
from collections import Counter

import pytest

from dides.coordinator.memory.instance_cache import View
from dides.coordinator.memory.waiters import Feed
from dides.model.instance import InstanceSummary
from dides.model.state import State, Status
from dides.store.records import Changes
from support.summaries import a_summary

PATIENCE = 20.0


def view_of(*summaries: InstanceSummary, feed: Feed | None = None) -> View:
    view = View(feed or Feed())
    view.apply(Changes(list(summaries), []))
    return view


def test_a_change_that_was_overtaken_is_passed_over() -> None:
    newer, older = a_summary(revision=3, message="newer"), a_summary(revision=2, message="older")
    view = view_of(newer, older)
    assert view.get("web-1") is newer
    view.apply(Changes([], [(0, "web-1")]))
    assert view.get("web-1") is newer, "an instance of that name that is gone was an earlier one"


def test_an_instance_of_the_same_name_that_came_later_takes_its_place() -> None:
    later = a_summary(id=2, revision=0)
    assert view_of(a_summary(id=1, revision=9), later).get("web-1") is later


def test_it_tells_who_is_gone_also_of_those_it_did_not_know() -> None:
    view, gone = view_of(a_summary(id=1)), list[int]()
    view.on_gone = gone.append
    view.apply(Changes([], [(1, "web-1"), (7, "other")]))
    assert gone == [1, 7]
    assert len(view) == 0


def test_it_tells_who_has_become_reachable() -> None:
    view, told = View(Feed()), list[str]()
    view.on_reachable = told.extend
    for revision, reachable in enumerate([True, True, False, False, True], start=1):
        view.apply(Changes([a_summary(revision=revision, reachable=reachable)], []))
    assert told == ["web-1", "web-1"]


async def test_who_waits_is_woken_by_a_new_generation_and_by_the_end_of_the_instance() -> None:
    feed = Feed()
    view = view_of(a_summary(), feed=feed)
    wait = feed.wait("web-1", PATIENCE)
    view.apply(Changes([a_summary(revision=2, status=Status.DEGRADED)], []))
    assert feed.holds("web-1")
    view.apply(Changes([a_summary(revision=3, generation=1)], []))
    await asyncio.wait_for(wait, PATIENCE / 2)
    wait = feed.wait("web-1", PATIENCE)
    view.apply(Changes([], [(1, "web-1")]))
    await asyncio.wait_for(wait, PATIENCE / 2)


async def test_what_it_knew_of_another_database_is_forgotten_and_who_waits_looks_again() -> None:
    feed = Feed()
    view = view_of(a_summary("web-1", id=1, revision=9), a_summary("web-2", id=2), feed=feed)
    wait, now = feed.wait("web-2", PATIENCE), a_summary("web-1", id=1, revision=3)
    view.apply(Changes([now], [], anew=True))
    await asyncio.wait_for(wait, PATIENCE / 2)
    assert (len(view), view.get("web-1"), view.get("web-2")) == (1, now, None)
    assert (view.reachable, view.statuses.total(), view.census.total()) == (1, 1, 1)


@pytest.mark.parametrize("seed", range(30))
def test_its_totals_are_those_of_a_count(seed: int) -> None:
    chance, view = random.Random(seed), View(Feed())
    latest: dict[str, InstanceSummary] = {}
    for revision in range(1, 200):
        name = f"web-{chance.randrange(5)}"
        if chance.random() < 0.02:
            view.apply(Changes(list(latest.values()), [], anew=True))
        if chance.random() < 0.1 and name in latest:
            view.apply(Changes([], [(latest.pop(name).id, name)]))
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
        view.apply(Changes([summary], []))
    assert view.census == Counter((each.status, each.current.code_version) for each in latest.values())
    assert view.statuses == Counter(each.status for each in latest.values())
    assert view.reachable == sum(each.reachable for each in latest.values())
    assert view.awaited == sum(each.reachable and each.awaited for each in latest.values())
    assert view.update_needed == sum(not each.current.meets(each.desired) for each in latest.values())
    assert len(view) == len(latest)
