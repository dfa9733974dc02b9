"""A coordinator that dies while its dashboard is open: the page says so, and recovers by itself with true numbers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, expect

from support.browser import BROKEN, sign_in
from support.processes import until
from support.proxy import Proxy
from support.watching import OPTIONS, Watching, watching

SILENCE_MS, RETRY_MS = 41_000, 2_500
"""After how long a page gives a silent stream up, and tries again: a little more than assets/live.js says."""
pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("how", ["killed", "stopped"])
async def test_a_page_says_that_it_is_not_connected_and_recovers(tmp_path: Path, browser: Browser, how: str) -> None:
    async with watching(tmp_path, browser, instances=4, allowed=BROKEN) as all_of_it:
        page, crew, processes = all_of_it.page, all_of_it.crew, all_of_it.processes
        await all_of_it.deploy("2.0.0", batch_size="2")
        await all_of_it.counts(updating=2, pending=2)
        await until(lambda: crew.applying == {"web-01", "web-02"})
        if how == "killed":
            await processes.kill("coordinator")
        else:
            await processes.end("coordinator")
        await expect(page.locator("#stream")).to_have_attribute("data-state", "broken")
        await expect(page.get_by_role("alert").filter(has_text="may be old")).to_be_visible()
        crew.let(1)
        await processes.start_coordinator(*OPTIONS)
        await all_of_it.visit.live()
        await expect(page.get_by_role("alert").filter(has_text="may be old")).to_be_hidden()
        await all_of_it.counts(succeeded=1, updating=2, pending=1)
        crew.let()
        await all_of_it.status("completed")
        await all_of_it.counts(succeeded=4)


async def test_a_connection_on_which_nothing_comes_any_more_is_given_up(tmp_path: Path, browser: Browser) -> None:
    """As behind a router that forgot it: no end of it is told that it is dead. The browser's clock is moved by hand."""
    async with watching(tmp_path, browser, instances=3, allowed=BROKEN) as all_of_it, proxied(all_of_it) as proxy:
        page, crew = all_of_it.page, all_of_it.crew
        await page.clock.install()
        page = await all_of_it.visit.open("/")
        await expect(page.locator("#count")).to_contain_text("3")
        proxy.blackhole()
        await crew.join("late-1", labels={"env": "prod"})
        await page.clock.fast_forward(SILENCE_MS)
        await expect(page.locator("#stream")).to_have_attribute("data-state", "broken")
        proxy.heal()
        await page.clock.fast_forward(RETRY_MS)
        await all_of_it.visit.live()
        await expect(page.locator("#count")).to_contain_text("4")


@asynccontextmanager
async def proxied(all_of_it: Watching) -> AsyncIterator[Proxy]:
    """Put a proxy between the browser and the coordinator."""
    proxy = Proxy(urlsplit(all_of_it.visit.url).port or 0)
    all_of_it.visit.url = f"http://127.0.0.1:{proxy.port}"
    await sign_in(all_of_it.visit, all_of_it.processes)
    yield proxy
    proxy.close()


async def test_a_session_that_is_over_leads_to_the_login_and_back(tmp_path: Path, browser: Browser) -> None:
    async with watching(tmp_path, browser, instances=1, allowed=f"{BROKEN}|401") as all_of_it:
        page, processes = all_of_it.page, all_of_it.processes
        await all_of_it.visit.open("/ui/events")
        await processes.kill("coordinator")
        processes.data.path.joinpath("operator-token").write_text("another-token\n")
        await processes.start_coordinator(*OPTIONS)
        await page.wait_for_url("**/ui/login?next=*")
        await page.get_by_label("Operator's token").fill("another-token")
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url("**/ui/events")
        await all_of_it.visit.live()
