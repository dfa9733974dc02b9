"""Lists: limits, cursors, counts, filters, and what happens to a list while it is read."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from support.app import App, names_of, running_app

NAMES = ["a", "b.example.com", "c-1", "d", "e"]


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with running_app(tmp_path) as running:
        yield running


@pytest.fixture
async def fleet(app: App) -> App:
    for name in reversed(NAMES):
        await app.register(name, env="prod" if name < "d" else "stage", role="web")
    return app


async def pages(app: App, path: str, limit: int) -> list[Any]:
    """Read a list to its end, page by page."""
    joint = "&" if "?" in path else "?"
    found = [await app.get(f"{path}{joint}limit={limit}")]
    while cursor := found[-1]["next_cursor"]:
        found.append(await app.get(f"{path}{joint}limit={limit}&cursor={quote(cursor)}"))
    return found


async def history(app: App, count: int) -> None:
    """Trigger deployments and abort each."""
    for number in range(count):
        await app.deploy(f"{number}.0.0")
        await app.send("POST", "/deploy/abort")


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 1000])
async def test_instances_by_name_with_a_count_on_the_first_page_only(fleet: App, limit: int) -> None:
    found = await pages(fleet, "/inventory/instances", limit)
    assert [name for page in found for name in names_of(page)] == NAMES
    assert [page["count"] for page in found] == [5] + [None] * (len(found) - 1)
    assert len(found) == -(-5 // limit), "no empty page at the end"
    assert all(set(page) == {"instances", "count", "next_cursor"} for page in found)


async def test_a_hundred_is_the_default_limit(app: App) -> None:
    for number in range(101):
        await app.register(f"web-{number:03}")
    page = await app.get("/inventory/instances")
    assert (len(page["instances"]), page["count"], page["next_cursor"] is None) == (100, 101, False)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("", NAMES),
        ("env=prod", ["a", "b.example.com", "c-1"]),
        ("env=prod,role in (web,api)", ["a", "b.example.com", "c-1"]),
        ("env notin (prod)", ["d", "e"]),
        ("!env", []),
        ("role,env!=stage", ["a", "b.example.com", "c-1"]),
    ],
)
async def test_instances_by_selector(fleet: App, selector: str, expected: list[str]) -> None:
    for limit in (1, 100):
        found = await pages(fleet, f"/inventory/instances?selector={quote(selector)}", limit)
        assert [name for page in found for name in names_of(page)] == expected
        assert found[0]["count"] == len(expected)


async def test_instances_by_status(app: App) -> None:
    for status, name in enumerate(("unknown", "healthy", "degraded", "failed")):
        await app.beat(name, await app.register(name), status=status)
    for status, name in enumerate(("unknown", "healthy", "degraded", "failed")):
        page = await app.get(f"/inventory/instances?status={status}")
        assert (names_of(page), page["count"]) == ([name], 1)
    assert (await app.get("/inventory/instances?status=1&selector=x"))["count"] == 0


async def test_a_list_goes_on_where_it_was_while_the_fleet_changes(fleet: App) -> None:
    first = await fleet.get("/inventory/instances?limit=2")
    await fleet.send("DELETE", "/inventory/instances/b.example.com")
    await fleet.register("b0")
    await fleet.register("c-0")
    rest = await fleet.get(f"/inventory/instances?cursor={first['next_cursor']}")
    assert names_of(first) == ["a", "b.example.com"]
    assert names_of(rest) == ["b0", "c-0", "c-1", "d", "e"]


async def test_deployments_are_newest_first(app: App) -> None:
    assert await app.get("/deployments") == {"deployments": [], "next_cursor": None}
    await app.register("a")
    await history(app, 5)
    for limit in (1, 2, 100):
        found = await pages(app, "/deployments", limit)
        assert [each["id"] for page in found for each in page["deployments"]] == [5, 4, 3, 2, 1]
        assert all(set(page) == {"deployments", "next_cursor"} for page in found)


async def test_deployments_by_status(app: App) -> None:
    await app.register("a")
    await history(app, 3)
    await app.deploy()
    await app.send("POST", "/deploy/pause")
    for status, ids in (("aborted", [3, 2, 1]), ("paused", [4]), ("running", []), ("completed", []), ("failed", [])):
        found = await pages(app, f"/deployments?status={status}", 2)
        assert [each["id"] for page in found for each in page["deployments"]] == ids


async def test_targets_in_the_deployments_order_and_by_state(fleet: App) -> None:
    await fleet.deploy(configuration={"batch_size": 2})
    for state, expected in (
        ("", NAMES),
        ("&state=updating", NAMES[:2]),
        ("&state=pending", NAMES[2:]),
        ("&state=failed", []),
    ):
        for limit in (1, 2, 100):
            found = await pages(fleet, f"/deployments/1/instances?{state.removeprefix('&')}".rstrip("?"), limit)
            assert [each["instance"] for page in found for each in page["instances"]] == expected
            assert all(set(page) == {"instances", "next_cursor"} for page in found)


async def test_events_from_either_end(app: App) -> None:
    await app.register("a")
    await history(app, 2)
    everything = (await app.get("/events"))["events"]
    ids = [each["id"] for each in everything]
    assert ids == sorted(ids)
    for order, expected in (("oldest", ids), ("newest", ids[::-1])):
        for limit in (1, 3, 1000):
            found = await pages(app, f"/events?order={order}", limit)
            assert [each["id"] for page in found for each in page["events"]] == expected
    of_one = [each["id"] for each in everything if each["deployment_id"] == 2]
    for order, expected in (("oldest", of_one), ("newest", of_one[::-1])):
        found = await pages(app, f"/deployments/2/events?order={order}", 1)
        assert [each["id"] for page in found for each in page["events"]] == expected


async def test_a_cursor_of_another_list_is_refused_where_it_cannot_be_meant(fleet: App) -> None:
    by_name = (await fleet.get("/inventory/instances?limit=3"))["next_cursor"]
    for path in ("/deployments", "/events"):
        response = await fleet.send("GET", f"{path}?cursor={by_name}")
        assert response.status_code == 422
        assert response.json()["errors"][0]["field"] == "cursor"
