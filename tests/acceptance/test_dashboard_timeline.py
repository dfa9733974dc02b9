"""The timeline of a deployment in a real browser: replayed, gone through with the keyboard, and read as a table."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, expect

from dides.protocol.action_preview import Action
from support.processes import until
from support.watching import Watching, watching

pytestmark = pytest.mark.asyncio(loop_scope="session")
MESSAGE = "exit status 3: port 8080 is in use"


async def one_failed_of_four(all_of_it: Watching) -> int:
    """Let a deployment of four end, one after the other, of which web-03 fails."""
    all_of_it.crew.failing["web-03"] = MESSAGE
    number = await all_of_it.deploy("2.0.0", batch_size="1", failure_threshold="2")
    all_of_it.crew.let()
    await all_of_it.status("completed")
    await all_of_it.counts(succeeded=3, failed=1)
    return number


async def slide(slider: Locator, value: int) -> None:
    """Move the slider to a place between 0 and 1000."""
    await slider.evaluate("(it, to) => { it.value = to; it.dispatchEvent(new Event('input')); }", value)


async def test_what_is_over_is_replayed(tmp_path: Path, browser: Browser) -> None:
    async with watching(tmp_path, browser, instances=4) as all_of_it:
        page = all_of_it.page
        await one_failed_of_four(all_of_it)
        slider, output = page.get_by_role("slider", name="Moment"), page.locator("[data-moment]")
        await expect(output).to_contain_text("the end")
        await slide(slider, 0)
        await all_of_it.counts(updating=1, pending=3)
        await expect(output).to_contain_text("0.0 s of")
        assert await slider.get_attribute("aria-valuetext") == await output.inner_text()
        await slider.press("End")
        await all_of_it.counts(succeeded=3, failed=1)
        await slider.press("Home")
        await page.get_by_role("button", name="Replay", exact=True).click()
        await expect(page.get_by_role("button", name="Stop")).to_be_visible()
        await page.get_by_role("button", name="Stop").click()
        await slide(slider, 950)
        await page.get_by_role("button", name="Replay", exact=True).click()
        await expect(page.get_by_role("button", name="Replay", exact=True)).to_be_visible()
        await all_of_it.counts(succeeded=3, failed=1)


async def test_the_keyboard_goes_from_target_to_target(tmp_path: Path, browser: Browser) -> None:
    async with watching(tmp_path, browser, instances=4) as all_of_it:
        page, keyboard = all_of_it.page, all_of_it.page.keyboard
        await one_failed_of_four(all_of_it)
        named = page.locator("[data-named]")
        await page.get_by_role("group", name="Timeline of targets").focus()
        for key, name in (("ArrowDown", "web-01"), ("End", "web-04"), ("ArrowUp", "web-03"), ("Home", "web-01")):
            await keyboard.press(key)
            await expect(named).to_contain_text(name)
        await keyboard.press("ArrowDown")
        await keyboard.press("ArrowDown")
        await expect(named).to_contain_text("failed")
        await expect(named).to_contain_text("1.0.0")
        await expect(named.locator("pre")).to_have_text(MESSAGE)
        await page.get_by_role("slider", name="Moment").press("Home")
        await expect(named).to_contain_text("pending")
        await expect(named).not_to_contain_text(MESSAGE)


async def test_zooming_in_keeps_the_chosen_target_in_sight(tmp_path: Path, browser: Browser) -> None:
    async with watching(tmp_path, browser, instances=4) as all_of_it:
        page, keyboard = all_of_it.page, all_of_it.page.keyboard
        await one_failed_of_four(all_of_it)
        chart = page.get_by_role("group", name="Timeline of targets")
        await chart.focus()
        await keyboard.press("End")
        for _ in range(4):
            await keyboard.press("+")
        await until_scrolled(chart, "it.scrollWidth > 2 * it.clientWidth && it.scrollLeft > 0")
        await page.get_by_role("button", name="Fit").click()
        await until_scrolled(chart, "it.scrollWidth <= it.clientWidth")


async def until_scrolled(chart: Locator, condition: str) -> None:
    await expect(chart).to_have_js_property("isConnected", True)
    assert await chart.evaluate(
        f"async (it) => {{ while (!({condition})) await new Promise(requestAnimationFrame); return true; }}"
    )


async def test_the_table_has_the_same_targets(tmp_path: Path, browser: Browser) -> None:
    async with watching(tmp_path, browser, instances=4) as all_of_it:
        page = all_of_it.page
        await one_failed_of_four(all_of_it)
        await page.get_by_role("button", name="Table").click()
        rows = page.locator("#timeline tbody tr")
        await expect(rows).to_have_count(4)
        await page.get_by_label("State", exact=True).select_option("failed")
        await expect(rows).to_have_count(1)
        await expect(rows).to_contain_text(MESSAGE)
        await page.get_by_label("Instance", exact=True).fill("web-01")
        await expect(page.locator("[data-rows]")).to_contain_text("No target is like that")
        await page.get_by_label("State", exact=True).select_option("")
        await rows.get_by_role("button", name="web-01").click()
        dialog = page.get_by_role("dialog", name="web-01")
        await expect(dialog).to_contain_text("env=prod")
        await dialog.get_by_role("button", name="Close").click()
        await expect(dialog).to_be_hidden()


async def test_targets_change_before_the_eyes(tmp_path: Path, browser: Browser) -> None:
    async with watching(tmp_path, browser, instances=3) as all_of_it:
        page, crew = all_of_it.page, all_of_it.crew
        await all_of_it.deploy("2.0.0", batch_size="1")
        await page.get_by_role("button", name="Table").click()
        await until(lambda: crew.applying == {"web-01"})
        first = page.get_by_role("row", name="web-01")
        await expect(first).to_contain_text("updating")
        await expect(first).to_contain_text("so far")
        button = first.get_by_role("button")
        await button.focus()
        crew.let(1)
        await expect(page.get_by_role("row", name="web-02")).to_contain_text("updating")
        await expect(first).to_contain_text("succeeded")
        await expect(button).to_be_focused()
        await slide(page.get_by_role("slider", name="Moment"), 1)
        await expect(page.get_by_role("button", name="Back to now")).to_be_visible()
        await all_of_it.counts(updating=1, pending=2)
        await page.get_by_role("button", name="Back to now").click()
        await all_of_it.counts(succeeded=1, updating=1, pending=1)


async def test_a_question_that_is_late_changes_nothing(tmp_path: Path, browser: Browser) -> None:
    """Somebody else has ended the deployment, and begun another, while the dialog was open."""
    async with watching(tmp_path, browser, instances=3) as all_of_it:
        page = all_of_it.page
        number = await all_of_it.deploy("2.0.0", batch_size="1")
        dialog = await all_of_it.steer("Abort")
        await expect(dialog).to_contain_text("2 pending targets are skipped as not started")
        async with all_of_it.processes.client() as client:
            await client.act(Action.ABORT_AND_ROLL_BACK)
            await dialog.get_by_role("button", name="Abort", exact=True).click()
            await expect(dialog.get_by_role("alert")).to_contain_text(f"In flight is rollback {number + 1} by now")
            assert (await client.deployment(number + 1)).finished_at is None
        await dialog.get_by_role("button", name="Cancel").click()
        await expect(dialog).to_be_hidden()
        await expect(page.locator("#summary")).to_contain_text("aborted")
