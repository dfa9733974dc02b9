"""A real browser, headless, for tests that look at pages as people do. Without Chromium these tests are skipped."""

import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright, expect

from dides.runtime.datadir import OPERATOR_FILE
from support.processes import Processes

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = (
    "there is no Chromium: run 'sh contrib/chromium.sh' (on Debian: apt-get install chromium fonts-dejavu-core), "
    "or set DIDES_CHROMIUM to where it is"
)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-sync",
]
PATIENCE_MS = 30_000
"""How long a test waits for what a page is to show; only a failing one waits so long."""
Scheme = Literal["light", "dark"]
BROKEN = r"net::ERR_|Failed to load resource|503|EventSource"
"""What a browser says while a coordinator is away."""


def chromium() -> str | None:
    """Return where Chromium is; None when it is not there."""
    return os.environ.get("DIDES_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """Run Chromium for as long as the block lasts; skip the test where there is none."""
    executable = chromium()
    if executable is None:
        pytest.skip(MISSING)
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield browser
        await browser.close()


class Visit:
    """One window of the browser, and all that went wrong in it."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.problems: list[str] = []
        """What the console and the scripts complained of."""
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.problems.append(f"{page.url}: {error}"))

    async def open(self, path: str) -> Page:
        """Open a page of the dashboard, and wait until its stream is live."""
        await self.page.goto(self.url + path)
        await self.live()
        return self.page

    async def live(self) -> None:
        """Wait until the page says that its stream is live."""
        await expect(self.page.locator("#stream")).to_have_attribute("data-state", "live")

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"{self.page.url}: {message.text}")


@asynccontextmanager
async def visiting(
    browser: Browser,
    url: str,
    *,
    scheme: Scheme = "light",
    width: int = 1400,
    height: int = 900,
    allowed: str = "",
    scripts: bool = True,
) -> AsyncIterator[Visit]:
    """Open a window for as long as the block lasts, and fail if anything was complained of but `allowed` (a regex)."""
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        java_script_enabled=scripts,
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="Europe/Berlin",
    )
    context.set_default_timeout(PATIENCE_MS)
    try:
        visit = Visit(await context.new_page(), url)
        yield visit
        unexpected = [each for each in visit.problems if not (allowed and re.search(allowed, each))]
        assert not unexpected, "\n".join(unexpected)
    finally:
        await context.close()


_sessions: dict[str, dict[str, str]] = {}
"""By the coordinator's address, the cookies of a browser that has signed in there."""


async def sign_in(visit: Visit, processes: Processes) -> Page:
    """Sign in with the operator's token, or with the cookies of an earlier visit; then the fleet is shown."""
    page = visit.page
    for name, value in _sessions.get(visit.url, {}).items():
        await page.context.add_cookies([{"name": name, "value": value, "url": visit.url}])
    await page.goto(f"{visit.url}/")
    if "/ui/login" in page.url:
        await page.get_by_label("Operator's token").fill(processes.data.token(OPERATOR_FILE))
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url(f"{visit.url}/")
        _sessions[visit.url] = {cookie["name"]: cookie["value"] for cookie in await page.context.cookies()}
    await visit.live()
    return page
