"""The dashboard below a path prefix in a real browser: scripts, links and the stream find what they ask for there."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from support.browser import sign_in, visiting
from support.crew import crew_of
from support.processes import running
from support.watching import OPTIONS

pytestmark = pytest.mark.asyncio(loop_scope="session")
BASE = "/ops/dides"


async def test_every_page_lives_below_the_prefix_and_a_form_survives_a_sign_in(
    tmp_path: Path, browser: Browser
) -> None:
    async with (
        running(tmp_path, *OPTIONS, "--base-path", BASE) as processes,
        crew_of(processes, 2),
        visiting(browser, processes.url + BASE, allowed="401") as visit,
    ):
        page = await sign_in(visit, processes)
        await expect(page.locator("#count")).to_have_text("2 instances")
        for name in ("Deployments", "Events", "Deploy"):
            await page.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()
            await visit.live()
        await page.locator("#code_version").fill("2.0.0")
        await page.locator("#auto_rollback").uncheck()
        await expect(page).to_have_url(f"{visit.url}/ui/deploy?code_version=2.0.0&auto_rollback=false")
        await page.context.clear_cookies()
        await page.locator("#labels").fill("env=prod")
        await page.get_by_label("Operator's token").fill(processes.data.token("operator-token"))
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.locator("#preview")).to_contain_text("Updates 2 instances, 1 at a time")
        await expect(page.locator("#auto_rollback")).not_to_be_checked()
