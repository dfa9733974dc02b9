"""Makes docs/pictures/*.png from a scripted fleet: the fleet, a deployment in the middle of its rollout, and the form.

Run it when pages change: `make screenshots`. It needs Chromium (`sh contrib/chromium.sh`).
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser, Page, expect

from dides.protocol.messages import Configuration, Deployment, DeployRequest
from support.browser import MISSING, Scheme, chromium, launched, sign_in, visiting
from support.crew import Crew, crew
from support.processes import Processes, until

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
OPTIONS = ("--heartbeat-interval", "10", "--time-to-live", "60")
ROLES = {"web": 96, "api": 60, "worker": 36}
ZONES = ("eu-1", "eu-2", "us-1")
OLD, NEW = "2.3.1", "2.4.0"
WIDE = {"fleet": 1000, "deployment": 1240, "deploy": 1000}
"""The heights of the pictures 1,400 pixels wide."""
PHONE = dict.fromkeys(WIDE, 844)
LOOKS: dict[str, tuple[Scheme, int, dict[str, int]]] = {
    "light": ("light", 1400, WIDE),
    "dark": ("dark", 1400, WIDE),
    "phone": ("light", 390, PHONE),
}
PLAINLY = """() => {
  document.activeElement.blur();
  document.documentElement.style.scrollbarGutter = "auto";
  window.scrollTo(0, 0);
}"""
ADDRESS = "http://127.0.0.1:8420"
"""Where it listens: the form shows commands with it."""
FAILS = {"web-017": "exit status 1: port 8080 is in use"}
FORM = {"Code version": "2.5.0", "Labels": "role=api", "Batch size": "10%", "Waves": "1, 10%, 50%"}


async def make() -> None:
    """Make all of them."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        processes = Processes(Path(directory))
        processes.url = ADDRESS
        try:
            await processes.start_coordinator(*OPTIONS)
            async with crew(processes) as all_of_them, launched() as browser:
                await join(all_of_them)
                deployment = await roll_out_half(processes, all_of_them)
                for look in LOOKS:
                    await take_all(browser, processes, deployment, look)
        finally:
            await processes.stop()


async def join(all_of_them: Crew) -> None:
    """Have every instance join."""
    for role, number in ROLES.items():
        for each in range(1, number + 1):
            zone = ZONES[each % len(ZONES)]
            labels = {"env": "production", "role": role, "zone": zone}
            await all_of_them.join(f"{role}-{each:03}", OLD, labels=labels, ip=f"192.0.2.{each}")


async def roll_out_half(processes: Processes, all_of_them: Crew) -> Deployment:
    """Bring a rollout over the role web to its middle, with a failure, and leave it there."""
    all_of_them.failing.update(FAILS)
    configuration = Configuration(batch_size=8, failure_threshold=5, waves=(4, "25%"), update_timeout=3600)
    request = DeployRequest(code_version=NEW, labels={"role": "web"}, configuration=configuration)
    async with processes.client() as client:
        deployment = await client.deploy(request, "the-pictures")
        for _ in range(54):
            await until(lambda: bool(all_of_them.applying))
            all_of_them.let(1)
            await asyncio.sleep(0.15)  # This is how long an apply takes; else all bars would be of no length.
        await until(lambda: len(all_of_them.applying) == 8)
        return await client.deployment(deployment.id)


async def take_all(browser: Browser, processes: Processes, deployment: Deployment, look: str) -> None:
    """Take the pictures of one look."""
    scheme, width, _ = LOOKS[look]
    async with visiting(browser, processes.url, scheme=scheme, width=width) as visit:
        await sign_in(visit, processes)
        page = await visit.open("/")
        await page.get_by_label("Group by label").select_option("zone")
        await expect(page.locator("#count")).to_contain_text(str(sum(ROLES.values())))
        await take(page, "fleet", look)
        page = await visit.open(f"/ui/deployments/{deployment.id}")
        await expect(page.locator("[data-count=updating]")).to_have_text("8")
        await take(page, "deployment", look)
        page = await visit.open("/ui/deploy")
        for label, text in FORM.items():
            await page.get_by_label(label, exact=True).fill(text)
        await expect(page.locator("#preview")).to_contain_text("60 instances")
        await take(page, "deploy", look)


async def take(page: Page, name: str, look: str) -> None:
    """Take one picture, without a blinking cursor, and where the page begins."""
    _, width, heights = LOOKS[look]
    await page.set_viewport_size({"width": width, "height": heights[name]})
    await page.evaluate(PLAINLY)
    file = PICTURES / f"{name}-{look}.png"
    await page.screenshot(path=file, animations="disabled", caret="hide")


if __name__ == "__main__":
    if chromium() is None:
        sys.exit(MISSING)
    asyncio.run(make())
