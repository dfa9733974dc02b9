"""Rollouts watched in a real browser, from the form to the end: one completes, one fails, one is paused."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from support.processes import until
from support.watching import Watching, watching

pytestmark = pytest.mark.asyncio(loop_scope="session")
MESSAGE = "exit status 3: <b>port 8080</b> is in use"


async def test_a_rollout_from_the_form_to_its_end(tmp_path: Path, browser: Browser) -> None:
    async with watching(tmp_path, browser) as all_of_it:
        page, crew = all_of_it.page, all_of_it.crew
        await expect(page.locator("#count")).to_contain_text("6")
        number = await all_of_it.deploy("2.0.0", batch_size="2")
        await expect(page.get_by_role("heading", level=1)).to_contain_text(f"Deployment {number}: 2.0.0")
        await all_of_it.status("running")
        await all_of_it.counts(updating=2, pending=4)
        await expect(page.locator("[data-part=hold]")).to_contain_text("Updating")
        await until(lambda: crew.applying == {"web-01", "web-02"})
        crew.let(1)
        await all_of_it.counts(succeeded=1, updating=2, pending=3)
        crew.let()
        await all_of_it.counts(succeeded=6)
        await all_of_it.status("completed")
        await expect(page.locator("[data-part=hold]")).to_have_text("")
        await the_other_pages_agree(all_of_it, number)


async def the_other_pages_agree(all_of_it: Watching, number: int) -> None:
    page = await all_of_it.visit.open("/")
    await expect(page.locator("#by-version")).to_contain_text("2.0.0")
    await expect(page.locator("#by-version")).not_to_contain_text("1.0.0")
    await expect(page.locator("#newest")).to_contain_text("completed")
    page = await all_of_it.visit.open("/ui/deployments")
    row = page.get_by_role("row", name=str(number))
    await expect(row).to_contain_text("2.0.0")
    await expect(row).to_contain_text("completed")
    page = await all_of_it.visit.open(f"/ui/events?deployment={number}")
    await expect(page.locator("#events")).to_contain_text("operator")


async def test_a_rollout_that_fails_says_why_and_is_rolled_back(tmp_path: Path, browser: Browser) -> None:
    async with watching(tmp_path, browser, instances=4) as all_of_it:
        page, crew = all_of_it.page, all_of_it.crew
        crew.failing["web-02"] = MESSAGE
        number = await all_of_it.deploy("2.0.0", batch_size="1")
        await until(lambda: crew.applying == {"web-01"})
        crew.let(1)
        await all_of_it.counts(succeeded=1, updating=1, pending=2)
        crew.let(1)
        await all_of_it.status("failed")
        await all_of_it.counts(succeeded=1, failed=1, skipped=2)
        failures = page.locator("[data-part=failures]")
        await expect(failures).to_contain_text("web-02")
        await expect(failures).to_contain_text(MESSAGE)
        await page.get_by_role("link", name=f"rollback {number + 1}").click()
        await all_of_it.visit.live()
        crew.let()
        await all_of_it.status("completed")
        await all_of_it.counts(succeeded=2)
        await all_of_it.visit.open("/")
        await expect(page.locator("#by-version")).to_contain_text("1.0.0")
        await expect(page.locator("#by-version")).not_to_contain_text("2.0.0")


async def test_pause_and_resume_through_the_dialogs(tmp_path: Path, browser: Browser) -> None:
    async with watching(tmp_path, browser, instances=4) as all_of_it:
        page, crew = all_of_it.page, all_of_it.crew
        await all_of_it.deploy("2.0.0", batch_size="1")
        await until(lambda: crew.applying == {"web-01"})
        dialog = await all_of_it.steer("Pause")
        await page.keyboard.press("Escape")
        await expect(dialog).to_be_hidden()
        await all_of_it.status("running")
        await (await all_of_it.steer("Pause")).get_by_role("button", name="Pause", exact=True).click()
        await all_of_it.status("paused")
        await expect(page.locator("[data-part=hold]")).to_contain_text("An operator has paused it")
        crew.let()
        await all_of_it.counts(succeeded=1, pending=3)
        assert crew.applying == set()
        await (await all_of_it.steer("Resume")).get_by_role("button", name="Resume", exact=True).click()
        await all_of_it.status("completed")
        await all_of_it.counts(succeeded=4)
        async with all_of_it.processes.client() as client:
            kinds = [each.kind for each in await client.events()]
        assert [each for each in kinds if each in ("deployment.paused", "deployment.resumed")] == [
            "deployment.paused",
            "deployment.resumed",
        ]


async def test_an_abort_with_its_rollback(tmp_path: Path, browser: Browser) -> None:
    async with watching(tmp_path, browser, instances=3) as all_of_it:
        crew = all_of_it.crew
        number = await all_of_it.deploy("2.0.0", batch_size="1")
        await until(lambda: crew.applying == {"web-01"})
        dialog = await all_of_it.steer("Abort and roll back")
        await dialog.get_by_role("button", name="Abort and roll back", exact=True).click()
        await all_of_it.page.wait_for_url(f"**/ui/deployments/{number + 1}")
        await all_of_it.visit.live()
        crew.let()
        await all_of_it.status("completed")
