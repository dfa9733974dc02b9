"""The page of events: newest first, filtered, a page at a time, and what is new on top."""

import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import pytest

from dides.dashboard.pages import events
from support.app import App, running_app, worked
from support.browsing import Browsing


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with running_app(tmp_path) as running:
        yield running


@pytest.fixture
def browser(app: App) -> Browsing:
    return Browsing(app)


def ids_in(page: str) -> list[int]:
    return [int(each) for each in re.findall(r'<tr data-id="(\d+)"', page)]


def words_in(page: str) -> str:
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", page).split()))


def new_address(page: str) -> str:
    found = re.search(r'data-last="(\d+)" data-new="([^"]+)"', page)
    assert found, page
    return f"{unescape(found[2])}&after={found[1]}"


def older(page: str) -> str | None:
    found = re.search(r'href="(/ui/events\?[^"]*cursor=[^"]+)"', page)
    return unescape(found[1]) if found else None


async def test_an_empty_log_says_what_will_be_in_it(browser: Browsing) -> None:
    page = (await browser.get("/ui/events")).text
    assert "Nothing has happened yet." in page
    assert 'data-last="0"' in page


async def test_what_happened_is_told_in_words(app: App, browser: Browsing) -> None:
    await worked(app)
    page = (await browser.get("/ui/events")).text
    logged = await app.get("/events?order=newest&limit=1000")
    assert ids_in(page) == [each["id"] for each in logged["events"]]
    said = words_in(page)
    for sentence in (
        "web-1 registered",
        "web-1 reports HEALTHY and runs 1",
        "Deployment 1 of 2 was triggered, with 1 target",
        "web-1 started updating to 2",
        "web-1 succeeded",
        "web-1 failed",
        "Rollback 3 of deployment 2 began, with 1 target",
    ):
        assert sentence in said
    assert 'href="/ui/deployments/2"' in page
    assert 'href="/?instance=web-1"' in page


async def test_filters(app: App, browser: Browsing) -> None:
    await worked(app)
    await app.register("db-1")
    kinds = {each["id"]: each for each in (await app.get("/events?limit=1000"))["events"]}

    async def shown(query: str) -> list[dict[str, object]]:
        return [kinds[each] for each in ids_in((await browser.get(f"/ui/events?{query}")).text)]

    assert {each["deployment_id"] for each in await shown("deployment=2")} == {2}
    assert {str(each["kind"]).partition(".")[0] for each in await shown("group=deployments")} == {"deployment"}
    assert {each["instance"] for each in await shown("text=DB-")} == {"db-1"}
    assert {each["actor"] for each in await shown("text=operator&deployment=")} == {"operator"}
    assert await shown("text=nobody") == []
    assert "Nothing that has happened fits." in (await browser.get("/ui/events?text=nobody")).text
    assert (await browser.get("/ui/events?group=odd")).status_code == 422


async def test_pages(app: App, browser: Browsing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "LIMIT", 2)
    for each in range(5):
        await app.register(f"web-{each}")
    seen, address = [], "/ui/events"
    while address:
        page = (await browser.get(address)).text
        seen.append(ids_in(page))
        address = older(page) or ""
    assert seen == [[5, 4], [3, 2], [1]]


async def test_what_fits_far_back_is_found_a_stretch_at_a_time(
    app: App, browser: Browsing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "PIECE", 2)
    monkeypatch.setattr(events, "FARTHEST", 4)
    await app.register("db-1")
    for each in range(6):
        await app.register(f"web-{each}")
    page = (await browser.get("/ui/events?text=db")).text
    assert ids_in(page) == []
    assert "Look further back" in page
    assert ids_in((await browser.get(older(page) or "")).text) == [1]


async def test_what_is_new_comes_as_rows_that_fit(app: App, browser: Browsing, monkeypatch: pytest.MonkeyPatch) -> None:
    await app.register("web-1")
    page = (await browser.get("/ui/events?text=web")).text
    assert ids_in((await browser.get(new_address(page), HX_Request="true")).text) == []
    await app.register("db-1")
    await app.register("web-2")
    new = (await browser.get(new_address(page), HX_Request="true")).text
    assert ids_in(new) == [3]
    assert 'data-last="3"' in new
    assert "too-many" not in new
    monkeypatch.setattr(events, "NEW", 1)
    assert "data-too-many" in (await browser.get(new_address(page), HX_Request="true")).text


async def test_a_log_that_was_put_back_is_loaded_anew(app: App, browser: Browsing) -> None:
    await app.register("web-1")
    assert "data-too-many" in (await browser.get("/ui/events/new?after=99", HX_Request="true")).text


async def test_older_pages_are_not_added_to(app: App, browser: Browsing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "LIMIT", 1)
    await app.register("web-1")
    await app.register("web-2")
    first = (await browser.get("/ui/events")).text
    second = (await browser.get(older(first) or "")).text
    assert 'data-new=""' in second
    assert 'href="/ui/events"' in second
