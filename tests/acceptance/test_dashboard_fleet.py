"""The map of the fleet in a real browser: live, narrowed down as one types, and in reach of a keyboard."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Browser, Page, expect

from dides.client.instance import InstanceClient
from dides.model.state import Status
from dides.protocol.action_preview import Action
from dides.protocol.messages import Configuration, DeployRequest, Heartbeat, InstanceSpec
from dides.runtime.datadir import REGISTRATION_FILE
from support.processes import until
from support.watching import Watching, watching

pytestmark = pytest.mark.asyncio(loop_scope="session")
WRONG = "422"
"""What a browser says of a selector that is none."""


async def the_address(page: Page, **expected: str) -> None:
    """Wait until the address says what is shown."""
    query = {name: [value] for name, value in expected.items()}

    def says(url: str) -> bool:
        return parse_qs(urlsplit(url).query) == query

    await page.wait_for_url(says)


async def deploy(all_of_it: Watching, batch_size: int) -> int:
    """Trigger a deployment of 2.0.0 to everybody, past the pages; return its number."""
    async with all_of_it.processes.client() as operator:
        configuration = Configuration(batch_size=batch_size)
        request = DeployRequest(code_version="2.0.0", labels={}, configuration=configuration)
        return (await operator.deploy(request, "a-key")).id


async def test_the_map_is_live(tmp_path: Path, browser: Browser) -> None:
    async with watching(tmp_path, browser, instances=3) as all_of_it:
        page, processes = all_of_it.page, all_of_it.processes
        await expect(page.locator("#count")).to_have_text("3 instances")
        await expect(page.locator("#by-version")).to_contain_text("1.0.0: 3")
        late = InstanceClient(processes.url)
        spec = InstanceSpec(name="late-1", ip="192.0.2.99", labels={"zone": "c"})
        await late.register(spec, processes.data.token(REGISTRATION_FILE))
        await expect(page.locator("#count")).to_have_text("4 instances")
        await expect(page.locator("#by-status")).to_contain_text("1 unknown")
        await late.heartbeat("late-1", Heartbeat(status=Status.FAILED, code_version="0.9", message="disk full"))
        await expect(page.locator("#by-status")).to_contain_text("1 failed")
        await expect(page.locator("#by-status")).not_to_contain_text("unknown")
        await expect(page.locator("#by-version")).to_contain_text("0.9: 1")
        async with processes.client() as operator:
            await operator.decommission("late-1")
        await expect(page.locator("#count")).to_have_text("3 instances")
        await expect(page.locator("#by-status")).to_contain_text("0 failed")
        await late.close()


async def test_updating_instances_are_seen_until_their_deployment_ends(tmp_path: Path, browser: Browser) -> None:
    async with watching(tmp_path, browser, instances=3) as all_of_it:
        page, crew = all_of_it.page, all_of_it.crew
        number = await deploy(all_of_it, 2)
        await until(lambda: len(crew.applying) == 2)
        await expect(page.locator("#by-status")).to_contain_text("2 updating")
        await expect(page.locator("#newest")).to_contain_text("2 updating")
        async with all_of_it.processes.client() as operator:
            await operator.act(Action.ABORT)
        await expect(page.locator("#newest")).to_contain_text("aborted")
        await expect(page.locator("#by-status")).not_to_contain_text("updating")
        await page.get_by_role("link", name=f"Deployment {number}").click()
        await page.wait_for_url(f"**/ui/deployments/{number}")


async def test_a_selector_narrows_the_fleet_down_as_one_types(tmp_path: Path, browser: Browser) -> None:
    async with watching(tmp_path, browser, instances=5, allowed=WRONG) as all_of_it:
        page = all_of_it.page
        selector, count = page.get_by_label("Selector"), page.locator("#count")
        await selector.press_sequentially("zone=a")
        await expect(count).to_have_text("2 of 5 instances")
        await the_address(page, selector="zone=a")
        await selector.press_sequentially("=b=")
        await expect(page.get_by_role("alert").filter(has_text="This is no selector")).to_be_visible()
        await expect(selector).to_have_attribute("aria-invalid", "true")
        await expect(count).to_have_text("2 of 5 instances")
        await selector.fill("zone=nowhere")
        await expect(page.get_by_text("No instance matches this selector.")).to_be_visible()
        await expect(page.get_by_role("alert").filter(has_text="This is no selector")).to_be_hidden()
        await selector.fill("zone in (b)")
        await page.get_by_label("Group by label").select_option("zone")
        await expect(count).to_have_text("3 of 5 instances")
        await the_address(page, selector="zone in (b)", group="zone")
        await page.reload()
        await expect(count).to_have_text("3 of 5 instances")
        await expect(page.get_by_label("Group by label")).to_have_value("zone")


async def test_a_keyboard_goes_from_cell_to_cell_and_opens_one(tmp_path: Path, browser: Browser) -> None:
    async with watching(tmp_path, browser, instances=3) as all_of_it:
        page, keyboard = all_of_it.page, all_of_it.page.keyboard
        cells, said = page.get_by_role("application", name="Map of the fleet"), page.locator("#under")
        await expect(page.locator("#count")).to_have_text("3 instances")
        await page.locator("#as-list").focus()
        while not await cells.evaluate("(cells) => cells === document.activeElement"):
            await keyboard.press("Tab")
        await expect(said).to_have_text("web-01: healthy, runs 1.0.0")
        await keyboard.press("ArrowRight")
        await expect(said).to_have_text("web-02: healthy, runs 1.0.0")
        await keyboard.press("End")
        await expect(said).to_have_text("web-03: healthy, runs 1.0.0")
        await keyboard.press("Enter")
        title = page.locator("#panel-title")
        await expect(title).to_have_text("web-03")
        await expect(title).to_be_focused()
        await expect(page.locator("#panel-body")).to_contain_text("dides instance web-03")
        await the_address(page, instance="web-03")
        await keyboard.press("Escape")
        await expect(page.locator("#panel")).to_be_hidden()
        await expect(cells).to_be_focused()
        await expect(said).to_have_text("web-03: healthy, runs 1.0.0")


async def test_a_click_shows_an_instance_which_stays_true(tmp_path: Path, browser: Browser) -> None:
    async with watching(tmp_path, browser, instances=1) as all_of_it:
        page, panel = all_of_it.page, all_of_it.page.locator("#panel-body")
        await expect(page.locator("#count")).to_have_text("1 instance")
        await page.locator("#cells").click(position={"x": 20, "y": 20})
        await expect(panel).to_contain_text("registered")
        async with all_of_it.processes.http() as http:
            await http.patch("/inventory/instances/web-01", json={"labels": {"env": "prod", "rack": "r7"}})
        await expect(panel).to_contain_text("rack=r7")


async def test_pressing_a_number_shows_only_those_in_the_map_and_in_the_list(tmp_path: Path, browser: Browser) -> None:
    async with watching(tmp_path, browser, instances=4) as all_of_it:
        page, crew = all_of_it.page, all_of_it.crew
        await deploy(all_of_it, 4)
        await until(lambda: len(crew.applying) == 4)
        crew.let(1)
        await page.get_by_role("button", name="2.0.0: 1").click()
        await the_address(page, version="2.0.0")
        await page.get_by_role("button", name="List").click()
        await expect(page.locator("#rows tr")).to_have_count(1)
        await page.get_by_role("button", name="3 updating").click()
        await expect(page.locator("#rows tr")).to_have_count(3)
        await the_address(page, only="updating", view="list")
        crew.let(1)
        await expect(page.locator("#rows tr")).to_have_count(2)
        await page.get_by_role("button", name="2 updating").click()
        await expect(page.locator("#rows tr")).to_have_count(4)
        await expect(page.locator("#listed")).to_have_text("4 of 4 are listed.")
