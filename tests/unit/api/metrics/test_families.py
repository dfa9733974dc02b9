"""Metric families from what is counted: bounded, and the same at every scrape."""

import pytest

from dides.api.metrics.families import histogram
from dides.api.metrics.fleet import MOST_VERSIONS, OTHER_VERSIONS, of_fleet
from dides.coordinator.memory.instance_cache import InstanceCache
from dides.coordinator.memory.waiters import Waiters
from dides.model.state import State, Status
from dides.runtime.histogram import Histogram
from dides.store.records import Changes
from support.summaries import a_summary


def instances_of(instance_cache: InstanceCache) -> dict[tuple[str, str], float]:
    family = next(each for each in of_fleet(instance_cache, 0) if each.name == "dides_instances")
    return {(each.labels["status"], each.labels["code_version"]): each.value for each in family.samples}


def view_with(versions: dict[str | None, int], status: Status = Status.HEALTHY) -> InstanceCache:
    instance_cache, number = InstanceCache(Waiters()), 0
    for version, count in versions.items():
        for _ in range(count):
            number += 1
            summary = a_summary(f"web-{number}", id=number, status=status, current=State(version))
            instance_cache.apply(Changes([summary], []))
    return instance_cache


def test_each_status_and_version_has_its_number() -> None:
    assert instances_of(view_with({"1": 2, "2": 1, None: 3})) == {
        ("healthy", "1"): 2,
        ("healthy", "2"): 1,
        ("healthy", ""): 3,
    }


def test_the_less_frequent_versions_are_one() -> None:
    versions: dict[str | None, int] = {f"{number:03}": 2 for number in range(MOST_VERSIONS)}
    rare: dict[str | None, int] = {f"9{number:03}": 1 for number in range(30)}
    shown = instances_of(view_with({**versions, **rare}))
    assert len(shown) == MOST_VERSIONS + 1
    assert shown["healthy", OTHER_VERSIONS] == 30
    assert sum(shown.values()) == 2 * MOST_VERSIONS + 30


def test_a_version_that_is_named_like_the_rest_is_counted_with_it() -> None:
    versions: dict[str | None, int] = {f"{number:03}": 2 for number in range(MOST_VERSIONS)}
    shown = instances_of(view_with({**versions, OTHER_VERSIONS: 5, "rare": 1}))
    assert shown["healthy", OTHER_VERSIONS] == 5 + 2 + 1


def test_of_equally_frequent_versions_always_the_same_are_named() -> None:
    names = [f"{number:03}" for number in range(40)]
    forth, back = view_with(dict.fromkeys(names, 1)), view_with(dict.fromkeys(reversed(names), 1))
    assert instances_of(forth) == instances_of(back)


def test_of_too_many_versions_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dides.api.metrics.fleet.LARGEST_CENSUS", 3)
    assert set(instances_of(view_with({"1": 2, "2": 1, None: 3}))) == {("healthy", each) for each in ("1", "2", "")}
    assert instances_of(view_with({"1": 2, "2": 1, "3": 1, None: 3})) == {("healthy", OTHER_VERSIONS): 7}


def test_a_histogram_has_every_bound_and_its_sum() -> None:
    counted = Histogram((0.5, 1.0))
    for value in (0.1, 0.7, 7.0):
        counted.observe(value)
    samples = {(each.name, each.labels.get("le")): each.value for each in histogram("x", "What.", counted).samples}
    assert samples == {
        ("x_bucket", "0.5"): 1,
        ("x_bucket", "1.0"): 2,
        ("x_bucket", "+Inf"): 3,
        ("x_count", None): 3,
        ("x_sum", None): 7.8,
    }
