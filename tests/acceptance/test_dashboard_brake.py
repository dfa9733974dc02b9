"""Convergence that has stopped: the page of the fleet says so and what to do, until an operator lets it go on."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, expect

from dides.protocol.messages import Configuration, DeployRequest
from support.processes import finished
from support.watching import Watching, watching

pytestmark = pytest.mark.asyncio(loop_scope="session")
PROD = {"env": "prod"}


async def join_late(all_of_it: Watching, *names: str) -> None:
    """Have instances join that missed the deployment of 2.0.0, and fail at it."""
    for name in names:
        all_of_it.crew.failing[name] = "exit status 3: port 8080 is in use"
        await all_of_it.crew.join(name, labels=PROD)


def card(all_of_it: Watching) -> Locator:
    return all_of_it.page.get_by_role("alert").filter(has_text="Late instances no longer get 2.0.0")


async def test_a_stopped_convergence_shows_until_an_operator_resumes_it(tmp_path: Path, browser: Browser) -> None:
    """One failure stops it, for the window is 1. It is resumed on the page, stops again, and is resumed elsewhere."""
    async with watching(tmp_path, browser, instances=1) as all_of_it, all_of_it.processes.client() as operator:
        page = all_of_it.page
        all_of_it.crew.let()
        one_by_one = Configuration(batch_size=1, failure_threshold=1)
        await operator.deploy(DeployRequest(code_version="2.0.0", labels=PROD, configuration=one_by_one), "a-key")
        await finished(operator, 1)
        await expect(page.locator("#newest")).to_contain_text("completed")
        await expect(card(all_of_it)).to_be_hidden()
        await join_late(all_of_it, "late-1", "late-2", "late-3")
        await expect(card(all_of_it)).to_contain_text("deployment 1: 1 instance failed there. 2 instances wait.")
        await expect(card(all_of_it)).to_contain_text("Repair what the failed instances have in common")
        await card(all_of_it).get_by_role("link", name="the failed instances").click()
        await expect(page.locator("#rows tr")).to_have_count(1)
        await expect(page.locator("#rows")).to_contain_text("late-1")
        await card(all_of_it).get_by_role("button", name="Let it go on…").click()
        question = page.get_by_role("dialog")
        await expect(question).to_contain_text("2 instances wait for it and get it, at most 1 at once.")
        await expect(question).to_contain_text("It stops again once 1 more fails there.")
        await question.get_by_role("button", name="Let it go on").click()
        await expect(card(all_of_it)).to_contain_text("1 instance waits.")
        all_of_it.crew.failing.clear()
        await operator.resume_convergence(1)
        await expect(card(all_of_it)).to_be_hidden()
        await expect(page.locator("#by-version")).to_contain_text("2.0.0: 4")
