"""The form for a deployment: its plan while one types, its question, and one deployment however often it is sent."""

import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import httpx2
import pytest

from dides.api.sessions import FORM_FIELD
from support.app import App, running_app
from support.browsing import Browsing

FORM = {"code_version": "2.0.0", "labels": "env=production"}


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with running_app(tmp_path) as running:
        yield running


@pytest.fixture
def browser(app: App) -> Browsing:
    return Browsing(app)


async def fleet(app: App, number: int) -> None:
    for each in range(1, number + 1):
        credential = await app.register(f"web-{each:02}", env="production")
        await app.beat(f"web-{each:02}", credential, code_version="1.0.0", status=1)


def words_of(response: httpx2.Response) -> str:
    """Return what is to be read on a page, on one line."""
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", response.text).split()))


def wrong_in(response: httpx2.Response) -> dict[str, str]:
    """Return what is said at the fields, by field."""
    found = re.findall(
        r'<p id="\w+-wrong" class="wrong" data-field="(\w+)" hx-swap-oob="true">([^<]+)</p>', response.text
    )
    return {name: unescape(text) for name, text in found}


def hidden(response: httpx2.Response, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', response.text)
    assert found, response.text
    return unescape(found[1])


async def question(browser: Browsing, **fields: str) -> dict[str, str]:
    """Ask for the confirmation; return the fields that it sends."""
    asked = await browser.post("/ui/deploy/confirm", {**FORM, **fields}, HX_Request="true")
    return {name: hidden(asked, name) for name in ("body", "key")}


async def deployments(app: App) -> list[int]:
    return [each["id"] for each in (await app.get("/deployments"))["deployments"]]


async def test_the_form_is_filled_in_as_its_address_says(browser: Browsing) -> None:
    page = (await browser.get("/ui/deploy?code_version=1.1.0&batch_size=25%25&auto_rollback=false&order=shuffle")).text
    assert re.search(r'name="code_version" value="1.1.0"', page)
    assert re.search(r'name="batch_size" value="25%"', page)
    assert re.search(r'name="update_timeout" value="600"', page)
    assert "<option selected>shuffle</option>" in page
    assert not re.search(r'name="auto_rollback"[^>]* checked', page)
    assert re.search(r'name="auto_rollback"[^>]* checked', (await browser.get("/ui/deploy")).text)


async def test_what_an_address_says_is_shown_and_not_run(browser: Browsing) -> None:
    page = await browser.get('/ui/deploy?code_version="><script>alert(1)</script>')
    assert "<script>alert" not in page.text


async def test_the_plan_is_that_of_the_api(app: App, browser: Browsing) -> None:
    await fleet(app, 9)
    form = {**FORM, "waves": "1, 50%", "batch_size": "4", "wave_pause": "30"}
    shown = words_of(await browser.post("/ui/deploy/preview", form, HX_Request="true"))
    assert "2.0.0 to env=production" in shown
    assert "9 instances match." in shown
    assert "Updates 9 instances, 4 at a time." in shown
    assert "In 3 waves of 1, 4 and 4; after each, it soaks for 30 s." in shown
    assert "It stops at 1 failure, and then rolls back by itself." in shown
    assert "Worst case: 1 instance down before it stops, 1 at the new version." in shown
    assert "matches the whole fleet" in shown
    assert "web-02, web-03, web-04, web-05" in shown
    assert "dides deploy 2.0.0 -l env=production --batch-size 4 --waves 1,50% --wave-pause 30" in shown
    assert "$DIDES_TOKEN" in shown
    assert await deployments(app) == []


async def test_what_is_not_typed_yet_is_asked_for_and_no_mistake(browser: Browsing) -> None:
    answer = await browser.post("/ui/deploy/preview", {"batch_size": "1"}, HX_Request="true")
    assert wrong_in(answer) == {}
    assert "a code version, a configuration version, or both" in words_of(answer)
    assert "which instances: labels, a selector, or the whole fleet" in words_of(answer)


@pytest.mark.parametrize(
    ("field", "text", "says"),
    [
        ("batch_size", "some", "Must be a count"),
        ("labels", "env", "'env' is not KEY=VALUE"),
        ("labels", "env=nowhere", "Matches no instance: see the fleet."),
        ("selector", "a b", "is not a label key"),
        ("spread_by", "a b", "Must be the key of a label"),
    ],
)
async def test_what_is_wrong_is_said_at_its_field(
    app: App, browser: Browsing, field: str, text: str, says: str
) -> None:
    await fleet(app, 1)
    answer = await browser.post("/ui/deploy/preview", {**FORM, field: text}, HX_Request="true")
    assert list(wrong_in(answer)) == [field]
    assert says in wrong_in(answer)[field]
    assert f'href="#{field}"' in answer.text


async def test_a_form_that_cannot_be_meant_is_not_confirmed_but_mended(browser: Browsing) -> None:
    answer = await browser.post("/ui/deploy/confirm", {}, HX_Request="true")
    assert answer.headers["hx-retarget"] == "#preview"
    assert set(wrong_in(answer)) == {"code_version", "labels"}
    assert (await browser.post("/ui/deploy/confirm", {})).status_code == 422


async def test_the_question_says_what_will_happen(app: App, browser: Browsing) -> None:
    await fleet(app, 3)
    for headers in ({"HX_Request": "true"}, {}):
        asked = words_of(await browser.post("/ui/deploy/confirm", {**FORM, "auto_rollback": "false"}, **headers))
        assert "Deploy 2.0.0 to env=production?" in asked
        assert "Updates 3 instances, 1 at a time." in asked
        assert "then stays as it is, until you roll it back" in asked
    assert await deployments(app) == []


async def test_what_was_confirmed_is_triggered_once_however_often_it_is_sent(app: App, browser: Browsing) -> None:
    await fleet(app, 2)
    confirmed = await question(browser, batch_size="2")
    for _ in range(2):
        answer = await browser.post("/ui/deploy", confirmed, HX_Request="true")
        assert answer.headers["hx-redirect"] == "/ui/deployments/1"
    without_htmx = await browser.post("/ui/deploy", confirmed)
    assert (without_htmx.status_code, without_htmx.headers["location"]) == (303, "/ui/deployments/1")
    assert await deployments(app) == [1]
    (deployment,) = (await app.get("/deployments"))["deployments"]
    assert (deployment["created_by"], deployment["configuration"]["batch_size"]) == ("operator", 2)


async def test_another_one_in_flight_is_named_and_nothing_is_done(app: App, browser: Browsing) -> None:
    await fleet(app, 2)
    await app.deploy("1.5.0")
    confirmed = await question(browser)
    answer = await browser.post("/ui/deploy", confirmed, HX_Request="true")
    assert answer.status_code == 200
    assert 'href="/ui/deployments/1"' in answer.text
    assert "Nothing was done" in words_of(answer)
    assert (await browser.post("/ui/deploy", confirmed)).status_code == 409
    assert await deployments(app) == [1]


async def test_without_the_token_of_the_form_or_a_key_nothing_is_triggered(app: App, browser: Browsing) -> None:
    await fleet(app, 1)
    confirmed = await question(browser)
    shown_again = await browser.post("/ui/deploy", {FORM_FIELD: "", **confirmed})
    assert (shown_again.status_code, shown_again.headers["Location"].partition("?")[0]) == (303, "/ui/deploy")
    assert (await browser.post("/ui/deploy", {"body": confirmed["body"]})).status_code == 422
    assert (await browser.post("/ui/deploy", {"body": "{", "key": "k"})).status_code == 400
    assert await deployments(app) == []


async def test_whoever_has_not_signed_in_is_sent_to_do_so(app: App) -> None:
    for path in ("/ui/deploy", "/ui/deployments", "/ui/events"):
        answer = await Browsing(app, "").get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/ui/login?next={path.replace('/', '%2F')}")
