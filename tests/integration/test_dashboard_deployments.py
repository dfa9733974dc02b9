"""The list of deployments: newest first, a page at a time, of one status."""

import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import pytest

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


def link(page: str, name: str) -> str:
    found = re.search(rf'id="{name}" (?:class="button" )?href="([^"]+)"', page)
    assert found, page
    return unescape(found[1])


async def aborted(app: App, number: int) -> None:
    await app.register("web-1", env="production")
    for each in range(number):
        await app.deploy(f"1.{each}")
        await app.send("POST", "/deploy/abort")


async def test_without_any_it_says_how_to_make_one(browser: Browsing) -> None:
    page = (await browser.get("/ui/deployments")).text
    assert "dides deploy 1.0.0 --all" in page
    assert 'href="/ui/deploy"' in page


async def test_what_became_of_each(app: App, browser: Browsing) -> None:
    await worked(app)
    page = (await browser.get("/ui/deployments")).text
    assert ids_in(page) == [3, 2, 1]
    assert "rollback of <a" in page
    assert '<span class="state completed">completed</span>' in page
    assert '<span class="state failed">failed</span>' in page
    assert "undone by <a" in page
    assert page.count("data-in-flight") == 1
    assert page.count("data-since") == 1


async def test_one_status_at_a_time(app: App, browser: Browsing) -> None:
    await worked(app)
    page = (await browser.get("/ui/deployments?status=completed")).text
    assert ids_in(page) == [1]
    assert 'href="/ui/deployments?status=completed" aria-current="true"' in page
    none = (await browser.get("/ui/deployments?status=aborted")).text
    assert "No deployment is aborted." in none
    assert (await browser.get("/ui/deployments?status=odd")).status_code == 422


async def test_pages(app: App, browser: Browsing) -> None:
    await aborted(app, 5)
    first = (await browser.get("/ui/deployments?limit=3")).text
    assert ids_in(first) == [5, 4, 3]
    second = (await browser.get(link(first, "older"))).text
    assert ids_in(second) == [2, 1]
    assert link(second, "newest") == "/ui/deployments"
    assert "Older" not in second


async def test_the_form_for_another_one_like_it(app: App, browser: Browsing) -> None:
    await app.register("web-1", env="production")
    configuration = {"batch_size": "25%", "auto_rollback": False, "waves": [1, "10%"]}
    await app.deploy("1.0", labels={"env": "production"}, configuration=configuration)
    address = link((await browser.get("/ui/deployments")).text, "again-1")
    form = (await browser.get(address)).text
    assert 'name="code_version" value="1.0"' in form
    assert 'name="labels" value="env=production"' in form
    assert 'name="waves" value="1, 10%"' in form
    assert not re.search(r'name="auto_rollback"[^>]* checked', form)


async def test_a_rollback_is_not_deployed_again(app: App, browser: Browsing) -> None:
    await worked(app)
    page = (await browser.get("/ui/deployments")).text
    assert re.findall(r'id="again-(\d+)"', page) == ["2", "1"]
