"""Forms as a browser sends them by itself, without a script: with a session, and in the development mode."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from dides.runtime.datadir import OPERATOR_FILE
from support.browser import visiting
from support.crew import crew_of
from support.processes import running
from support.watching import OPTIONS

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("mode", ["", "--dev"])
async def test_one_can_deploy_and_sign_out_without_scripts(tmp_path: Path, browser: Browser, mode: str) -> None:
    """A browser says where such a form comes from only if the page lets it: that is checked in the development mode."""
    options = (*OPTIONS, *filter(None, [mode]))
    async with (
        running(tmp_path, *options) as processes,
        crew_of(processes, 2) as crew,
        visiting(browser, processes.url, scripts=False) as visit,
    ):
        crew.let()
        page = visit.page
        await page.goto(f"{processes.url}/ui/deploy")
        if not mode:
            await page.get_by_label("Operator's token").fill(processes.data.token(OPERATOR_FILE))
            await page.get_by_role("button", name="Sign in").click()
            await page.wait_for_url(f"{processes.url}/ui/deploy")
        await deploy(page)
        async with processes.client() as client:
            assert (await client.deployment(1)).code_version == "2.0.0"
        if not mode:
            await page.get_by_role("button", name="Sign out").click()
            await page.wait_for_url(f"{processes.url}/ui/login")
            await page.goto(f"{processes.url}/ui/events")
            await page.wait_for_url("**/ui/login?next=*")


async def deploy(page: Page) -> None:
    await page.get_by_label("Code version").fill("2.0.0")
    await page.get_by_label("Labels", exact=True).fill("env=prod")
    await page.get_by_role("button", name="Deploy…", exact=True).click()
    await expect(page.get_by_role("heading", name="Deploy 2.0.0 to env=prod?")).to_be_visible()
    await page.get_by_role("button", name="Deploy", exact=True).click()
    await page.wait_for_url("**/ui/deployments/1")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Deployment 1: 2.0.0")
