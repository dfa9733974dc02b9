"""The form, the list of deployments and the events in a real browser, while things happen."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from dides.protocol.messages import Configuration, DeployRequest
from support.browser import Visit, sign_in, visiting
from support.crew import Crew, crew_of
from support.processes import Processes, finished, running
from support.watching import OPTIONS

pytestmark = pytest.mark.asyncio(loop_scope="session")
PROD = {"env": "prod"}
ONE_BY_ONE = Configuration(batch_size=1)


@pytest_asyncio.fixture(loop_scope="session")
async def fleet(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Processes, Crew]]:
    """A coordinator and four instances."""
    async with running(tmp_path_factory.mktemp("forms"), *OPTIONS) as processes, crew_of(processes, 4) as crew:
        yield processes, crew


@pytest_asyncio.fixture(loop_scope="session")
async def visit(fleet: tuple[Processes, Crew], browser: Browser) -> AsyncIterator[Visit]:
    processes, _ = fleet
    async with visiting(browser, processes.url) as visit:
        await sign_in(visit, processes)
        yield visit


async def type_in(page: Page, **fields: str) -> None:
    for name, text in fields.items():
        await page.locator(f"#{name}").fill(text)


async def test_the_plan_follows_what_is_typed(visit: Visit) -> None:
    page = await visit.open("/ui/deploy")
    preview, size = page.locator("#preview"), page.locator("#batch_size")
    await expect(preview).to_contain_text("which instances: labels, a selector, or the whole fleet")
    await type_in(page, code_version="2.0.0", labels="env=prod", batch_size="2x")
    await expect(size).to_have_attribute("aria-invalid", "true")
    await expect(page.locator("#batch_size-wrong")).to_contain_text("Must be a count")
    await expect(page.locator("#preview-said")).to_contain_text("Batch size must be a count")
    await type_in(page, batch_size="2")
    await expect(preview).to_contain_text("Updates 4 instances, 2 at a time.")
    await expect(page.locator("#as-dides")).to_contain_text("dides deploy 2.0.0 -l env=prod --batch-size 2")
    await expect(size).not_to_have_attribute("aria-invalid", "true")
    await expect(page.locator("#preview-said")).to_contain_text("4 instances match")


async def test_the_question_about_a_form_that_is_not_filled_in_leads_to_the_first_field(visit: Visit) -> None:
    page = await visit.open("/ui/deploy")
    await page.get_by_role("button", name="Deploy…").click()
    await expect(page.locator("#code_version")).to_be_focused()
    await expect(page.get_by_role("dialog")).to_be_hidden()


async def test_a_mistake_in_what_is_folded_away_unfolds_it(visit: Visit) -> None:
    page = await visit.open("/ui/deploy?code_version=2.0.0&labels=env%3Dprod")
    await expect(page.locator("#retries")).to_be_hidden()
    page = await visit.open("/ui/deploy?code_version=2.0.0&labels=env%3Dprod&retries=many")
    await expect(page.locator("#retries")).to_be_visible()
    await expect(page.locator("#retries-wrong")).to_contain_text("Must be a whole number")


async def test_commands_are_copied(visit: Visit) -> None:
    page = await visit.open("/ui/deploy?code_version=2.0.0&labels=env%3Dprod")
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.get_by_role("button", name="Copy the dides command").click()
    await expect(page.locator("[data-copy=as-dides]")).to_have_text("Copied")
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied == f"dides deploy 2.0.0 -l env=prod --server {visit.url}"
    await page.evaluate("navigator.clipboard.writeText('')")
    await page.evaluate("delete Navigator.prototype.clipboard")
    await page.get_by_role("button", name="Copy the curl command").click()
    await expect(page.locator("[data-copy=as-curl]")).to_have_text("Copied")


async def test_a_double_click_deploys_once(fleet: tuple[Processes, Crew], visit: Visit) -> None:
    processes, _ = fleet
    page = await visit.open("/ui/deploy?code_version=2.0.0&labels=env%3Dprod")
    await page.get_by_role("button", name="Deploy…").click()
    await page.get_by_role("dialog").get_by_role("button", name="Deploy", exact=True).dblclick()
    await page.wait_for_url("**/ui/deployments/1")
    async with processes.client() as client:
        assert [each.id for each in (await client.deployments()).deployments] == [1]


async def test_another_one_in_flight_is_linked_and_the_form_is_kept(
    fleet: tuple[Processes, Crew], visit: Visit
) -> None:
    processes, _ = fleet
    page = await visit.open("/ui/deploy?code_version=3.0.0&labels=env%3Dprod")
    await expect(page.locator("#preview")).to_contain_text("3.0.0 to env=prod")
    async with processes.client() as client:
        await client.deploy(DeployRequest(code_version="2.0.0", labels=PROD, configuration=ONE_BY_ONE), "first")
    await expect(page.locator("#preview")).to_contain_text("Deployment 1 is in flight")
    await page.get_by_role("button", name="Deploy…").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Deploy", exact=True).click()
    await expect(dialog.get_by_role("link", name="Watch deployment 1")).to_be_visible()
    await dialog.get_by_role("button", name="Close").click()
    await expect(page.locator("#code_version")).to_have_value("3.0.0")


async def test_the_list_of_deployments_is_live(fleet: tuple[Processes, Crew], visit: Visit) -> None:
    processes, crew = fleet
    page = await visit.open("/ui/deployments")
    await expect(page.locator("#deployments")).to_contain_text("Nothing was deployed yet.")
    async with processes.client() as client:
        await client.deploy(DeployRequest(code_version="2.0.0", labels=PROD, configuration=ONE_BY_ONE), "first")
        row = page.locator("tr[data-id='1']")
        await expect(row.locator(".state.running")).to_be_visible()
        await expect(row).to_contain_text("so far")
        crew.let()
        await finished(client, 1)
    await expect(row.locator(".state.completed")).to_be_visible()
    await expect(row).to_contain_text("4 of 4 done")
    await row.get_by_role("link", name="Deploy again").click()
    await expect(page.locator("#labels")).to_have_value("env=prod")


async def test_what_happens_comes_in_at_the_top_and_waits_for_whoever_reads_on(
    fleet: tuple[Processes, Crew], visit: Visit
) -> None:
    processes, crew = fleet
    page = await visit.open("/ui/events")
    async with processes.client() as client:
        await client.deploy(DeployRequest(code_version="2.0.0", labels=PROD, configuration=ONE_BY_ONE), "first")
        await expect(page.locator("#events")).to_contain_text("Deployment 1 of 2.0.0 was triggered, with 4 targets")
        await expect(page.locator("#events")).to_contain_text("web-01 started updating to 2.0.0")
        await page.locator("#events summary").first.click()
        crew.let()
        await finished(client, 1)
        every = len(await client.events(limit=1000))
    button = page.locator("#show-new")
    await expect(button).to_have_text(f"{every - await page.locator('#events tr').count()} new")
    await expect(page.locator("#events")).not_to_contain_text("Deployment 1 completed")
    await button.click()
    await expect(page.locator("#events")).to_contain_text("Deployment 1 completed")
    await expect(button).to_be_hidden()
    ids = await page.locator("#events tr").evaluate_all("rows => rows.map((row) => Number(row.dataset.id))")
    assert ids == sorted(set(ids), reverse=True)
