"""Every page for everybody: axe-core finds nothing in either theme; a keyboard suffices, and a phone's width does."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import get_args

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from dides.protocol.messages import Configuration, DeployRequest
from support.browser import Scheme, Visit, sign_in, visiting
from support.crew import crew_of
from support.processes import Processes, finished, running, until
from support.watching import OPTIONS

pytestmark = pytest.mark.asyncio(loop_scope="session")
EMPTY = {"fleet": "/", "deployments": "/ui/deployments", "deploy": "/ui/deploy", "events": "/ui/events"}
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)
PHONE, TABLET = 360, 800
PROD = {"env": "prod"}
REFUSED = "404"
"""What a browser says of a page that is not there."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def busy(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Processes]:
    """A coordinator with a deployment that failed, its rollback, and one in the middle of its rollout."""
    async with (
        running(tmp_path_factory.mktemp("busy"), *OPTIONS) as processes,
        crew_of(processes, 6) as crew,
        processes.client() as client,
    ):
        crew.failing["web-02"] = "exit status 3: port 8080 is in use"
        crew.let(4)  # Two of the first, and both of its rollback.
        one_by_one, in_waves = Configuration(batch_size=1), Configuration(batch_size=2, waves=(1, "50%"))
        await client.deploy(DeployRequest(code_version="2.0.0", labels=PROD, configuration=one_by_one), "first")
        await finished(client, 1)
        await finished(client, 2)
        await client.deploy(DeployRequest(code_version="2.1.0", labels=PROD, configuration=in_waves), "second")
        crew.let(1)
        await until(lambda: crew.applying == {"web-02", "web-03"})
        yield processes


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def empty(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Processes]:
    """A coordinator of which nobody has heard yet."""
    async with running(tmp_path_factory.mktemp("empty"), *OPTIONS) as processes:
        yield processes


@asynccontextmanager
async def signed_in(browser: Browser, processes: Processes, width: int = 1400) -> AsyncIterator[Visit]:
    async with visiting(browser, processes.url, width=width, allowed=REFUSED) as visit:
        await sign_in(visit, processes)
        yield visit


async def the_fleet(page: Page) -> None:
    await expect(page.locator("#count")).to_contain_text("6")
    await expect(page.locator("#by-status")).to_contain_text("2 updating")


async def one_instance(page: Page) -> None:
    await page.get_by_role("button", name="List").click()
    await page.get_by_role("button", name="web-02").click()
    await expect(page.locator("#panel-body")).to_contain_text("env=prod")


async def the_timeline(page: Page) -> None:
    await expect(page.locator("[data-count=pending]")).to_have_text(re.compile(r"\d"))


async def a_question(page: Page) -> None:
    await page.get_by_role("button", name="Abort…", exact=True).click()
    await expect(page.get_by_role("dialog")).to_be_visible()


async def the_targets(page: Page) -> None:
    await page.get_by_role("button", name="Table").click()
    await expect(page.get_by_role("row", name="web-06")).to_be_visible()


async def a_plan(page: Page) -> None:
    await expect(page.locator("#preview")).to_contain_text("3.0.0 to env=prod")


async def no_plan(page: Page) -> None:
    await expect(page.locator("#preview")).to_contain_text("no plan yet")


async def what_happened(page: Page) -> None:
    await expect(page.locator("#events")).to_contain_text("operator")


async def its_heading(page: Page) -> None:
    await expect(page.get_by_role("heading", level=1)).to_be_visible()


PAGES: dict[str, tuple[str, Callable[[Page], Awaitable[None]]]] = {
    "fleet": ("/", the_fleet),
    "instance": ("/", one_instance),
    "deployments": ("/ui/deployments", its_heading),
    "failed": ("/ui/deployments/1", the_timeline),
    "rollback": ("/ui/deployments/2", the_timeline),
    "deployment": ("/ui/deployments/3", the_timeline),
    "question": ("/ui/deployments/3", a_question),
    "targets": ("/ui/deployments/3", the_targets),
    "deploy": ("/ui/deploy?code_version=3.0.0&labels=env%3Dprod&waves=1", a_plan),
    "mistyped": ("/ui/deploy?code_version=3.0.0&labels=env", no_plan),
    "events": ("/ui/events", what_happened),
    "nothing": ("/ui/deployments/999", its_heading),
}
"""Every page, and what makes it show all that it can."""


async def show(visit: Visit, name: str) -> Page:
    """Open a page, and wait until it shows all that it can."""
    path, prepare = PAGES[name]
    page = await visit.open(path)
    await prepare(page)
    return page


async def violations(page: Page) -> list[str]:
    """Return what axe-core finds in the light theme and in the dark one, a line each."""
    found = []
    for scheme in SCHEMES:
        await page.emulate_media(color_scheme=scheme)
        rules = (await Axe().run(page)).response["violations"]
        found += [
            f"{scheme}: {rule['id']}: {node['target']} {node['failureSummary']}"
            for rule in rules
            for node in rule["nodes"]
        ]
    return found


@pytest.mark.parametrize("name", PAGES)
async def test_axe_finds_nothing(busy: Processes, browser: Browser, name: str) -> None:
    async with signed_in(browser, busy) as visit:
        assert await violations(await show(visit, name)) == []


async def test_axe_finds_nothing_where_nothing_is_there_yet(empty: Processes, browser: Browser) -> None:
    async with signed_in(browser, empty) as visit:
        for path in EMPTY.values():
            assert await violations(await visit.open(path)) == [], path


async def test_axe_finds_nothing_at_the_login(empty: Processes, browser: Browser) -> None:
    async with visiting(browser, empty.url, allowed="401") as visit:
        await visit.page.goto(f"{empty.url}/ui/login")
        assert await violations(visit.page) == []
        await visit.page.get_by_label("Operator's token").fill("wrong")
        await visit.page.get_by_role("button", name="Sign in").click()
        await expect(visit.page.get_by_role("alert")).to_have_text("This is not the operator's token.")
        assert await violations(visit.page) == []


@pytest.mark.parametrize("width", [PHONE, TABLET])
async def test_no_page_is_wider_than_its_window(busy: Processes, browser: Browser, width: int) -> None:
    async with signed_in(browser, busy, width=width) as visit:
        for name in PAGES:
            page = await show(visit, name)
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, name


async def test_a_keyboard_suffices(busy: Processes, browser: Browser) -> None:
    """From the login to the question whether to abort, and back, without a mouse."""
    async with visiting(browser, busy.url, allowed=REFUSED) as visit:
        page, keyboard = visit.page, visit.page.keyboard
        await page.goto(f"{busy.url}/ui/login?next=/ui/deployments")
        await keyboard.type(busy.data.token("operator-token"))
        await keyboard.press("Enter")
        await page.wait_for_url("**/ui/deployments")
        await visit.live()
        await keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        await keyboard.press("Enter")
        await tab_to(page, "a[href='/ui/deployments/3']")
        await keyboard.press("Enter")
        await page.wait_for_url("**/ui/deployments/3")
        await visit.live()
        await tab_to(page, "#do-abort")
        await keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        await expect(dialog).to_be_visible()
        await expect(dialog.locator(":focus")).to_have_count(1)
        await keyboard.press("Escape")
        await expect(dialog).to_be_hidden()
        await expect(page.locator("#do-abort")).to_be_focused()


async def test_what_has_the_focus_is_seen_to_have_it(busy: Processes, browser: Browser) -> None:
    async with signed_in(browser, busy) as visit:
        for path in ("/", "/ui/deployments", "/ui/deployments/3", "/ui/deploy", "/ui/events"):
            page = await visit.open(path)
            for _ in range(12):
                await page.keyboard.press("Tab")
                outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                assert outline != "none", (path, await page.evaluate("document.activeElement.outerHTML"))


async def tab_to(page: Page, selector: str) -> None:
    """Press Tab until something has the focus."""
    wanted = page.locator(selector).first
    await expect(wanted).to_be_visible()
    for _ in range(80):
        await page.keyboard.press("Tab")
        if await wanted.evaluate("(element) => element === document.activeElement"):
            return
    raise AssertionError(f"{selector} cannot be reached with Tab")
