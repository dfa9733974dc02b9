"""A coordinator, instances that are driven by hand, and somebody who has signed in and looks at the dashboard."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Locator, Page, expect

from support.browser import Visit, sign_in, visiting
from support.crew import Crew, crew_of
from support.processes import Processes, running

OPTIONS = ("--heartbeat-interval", "5", "--time-to-live", "60", "--reconcile-interval", "1")
STATES = ("succeeded", "failed", "skipped", "updating", "pending")


class Watching:
    """All of it."""

    def __init__(self, processes: Processes, crew: Crew, visit: Visit) -> None:
        self.processes = processes
        self.crew = crew
        self.visit = visit

    @property
    def page(self) -> Page:
        """What is looked at."""
        return self.visit.page

    async def deploy(self, version: str, **fields: str) -> int:
        """Trigger a deployment to env=prod through the form, which leads to its page; return its number."""
        page = self.page
        await page.get_by_role("navigation").get_by_role("link", name="Deploy", exact=True).click()
        await self.visit.live()
        for name, text in {"code_version": version, "labels": "env=prod", **fields}.items():
            await page.locator(f"#{name}").fill(text)
        await expect(page.locator("#preview")).to_contain_text(f"{version} to env=prod")
        await page.get_by_role("button", name="Deploy…", exact=True).click()
        await page.get_by_role("dialog").get_by_role("button", name="Deploy", exact=True).click()
        await page.wait_for_url("**/ui/deployments/*")
        await self.visit.live()
        return int(page.url.rpartition("/")[2])

    async def steer(self, button: str) -> Locator:
        """Press one of the buttons of a deployment, and return the dialog that asks."""
        await self.page.get_by_role("button", name=f"{button}…", exact=True).click()
        dialog = self.page.get_by_role("dialog")
        await expect(dialog).to_be_visible()
        return dialog

    async def counts(self, **expected: int) -> None:
        """Wait until the timeline shows so many targets in these states, and none in the others."""
        for state in STATES:
            found = self.page.locator(f"[data-count={state}]")
            await expect(found).to_have_text(str(expected.get(state, 0)))

    async def status(self, word: str) -> None:
        """Wait until the page of a deployment says so."""
        await expect(self.page.locator("#summary [data-part=status] .state")).to_have_text(word)


@asynccontextmanager
async def watching(
    directory: Path, browser: Browser, *, instances: int = 6, allowed: str = ""
) -> AsyncIterator[Watching]:
    """Run all of it for as long as the block lasts; the fleet is shown."""
    async with (
        running(directory, *OPTIONS) as processes,
        crew_of(processes, instances) as crew,
        visiting(browser, processes.url, allowed=allowed) as visit,
    ):
        await sign_in(visit, processes)
        yield Watching(processes, crew, visit)
