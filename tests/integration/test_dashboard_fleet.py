"""The page of the fleet, its parts, and the columns that its scripts draw."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx2
import pytest
from structlog.testing import capture_logs

from support.app import OPERATOR, PROBLEM, App, running_app
from support.browsing import Browsing

UNREACHABLE, UPDATING, DIFFERS = 4, 8, 16
HEALTHY = 1


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with running_app(tmp_path) as running:
        yield running


async def browse(app: App, path: str, *, part: bool = False, signed_in: bool = True) -> httpx2.Response:
    """Ask as a browser does, for a page or for a part of one."""
    browsing = Browsing(app, None if signed_in else "")
    return await browsing.get(path, Accept="*/*", HX_Request="true") if part else await browsing.get(path)


async def columns(app: App, **query: str) -> Any:
    response = await browse(app, f"/ui/fleet.json?{urlencode(query)}")
    assert response.status_code == 200, response.text
    return response.json()


async def states(app: App, **query: str) -> dict[str, int]:
    found = await columns(app, **query)
    return dict(zip(found["names"], found["states"], strict=True))


async def part(app: App, path: str) -> str:
    response = await browse(app, path, part=True)
    assert response.status_code == 200, response.text
    return response.text


async def joined(app: App, name: str, version: str | None = "1.0.0", **labels: str) -> str:
    """Let an instance register and, with a version, report HEALTHY."""
    own = await app.register(name, **labels)
    if version is not None:
        await app.beat(name, own, code_version=version, status=HEALTHY)
    return own


async def test_a_browser_is_shown_the_fleet_and_others_find_nothing_as_before(app: App) -> None:
    shown = await browse(app, "/")
    assert shown.status_code == 200
    assert "<title>Fleet · dides</title>" in shown.text
    assert 'aria-current="page">Fleet' in shown.text
    for credential in (None, OPERATOR):
        other = await app.send("GET", "/", credential=credential, headers={"Accept": "*/*"})
        assert (other.status_code, other.headers["content-type"]) == (404, PROBLEM)


async def test_who_has_not_signed_in_is_sent_to_where_one_does(app: App) -> None:
    page = await browse(app, "/?selector=env%3Dprod", signed_in=False)
    assert (page.status_code, page.headers["location"]) == (303, "/ui/login?next=%2F%3Fselector%3Denv%253Dprod")
    script = await browse(app, "/ui/fleet.json", signed_in=False)
    assert (script.status_code, script.headers["content-type"]) == (401, PROBLEM)


async def test_an_empty_fleet_says_how_the_first_instance_registers(app: App) -> None:
    empty = (await browse(app, "/")).text
    assert "dides agent --server http://localhost" in empty
    assert "DIDES_REGISTRATION_TOKEN" in empty
    assert '<section id="empty" class="card empty">' in empty
    assert (await columns(app))["total"] == 0
    await joined(app, "web-1")
    assert '<section id="empty" class="card empty" hidden>' in (await browse(app, "/")).text


async def test_the_fleet_in_columns(app: App) -> None:
    await joined(app, "web-2", "1.0.0", zone="b", env="prod")
    await joined(app, "web-1", "2.0.0", zone="a", env="prod")
    await joined(app, "db-1", None, env="test")
    found = await columns(app, group="zone")
    assert found["names"] == ["db-1", "web-1", "web-2"]
    assert found["states"] == [0, HEALTHY, HEALTHY]
    assert [found["versions"][each] for each in found["version_of"]] == ["", "2.0.0", "1.0.0"]
    assert [found["groups"][each] for each in found["group_of"]] == ["", "a", "b"]
    assert (found["total"], found["keys"]) == (3, ["env", "zone"])


async def test_a_selector_chooses(app: App) -> None:
    await joined(app, "web-1", env="prod")
    await joined(app, "web-2", env="test")
    found = await columns(app, selector="env in (prod),!canary")
    assert (found["names"], found["total"]) == (["web-1"], 2)


async def test_only_what_has_changed_is_asked_for(app: App) -> None:
    await joined(app, "web-1", env="prod", zone="a")
    await joined(app, "web-2", env="prod")
    await joined(app, "web-3", env="test")
    found = await columns(app, names="web-3,web-1,gone,web-2", selector="env=prod", group="zone")
    assert found["names"] == ["web-1", "web-2"]
    assert [found["groups"][each] for each in found["group_of"]] == ["a", ""]


async def test_updating_drifted_and_unreachable_instances_are_told_apart(app: App) -> None:
    one = await joined(app, "web-1")
    two = await joined(app, "web-2")
    await app.deploy("2.0.0")
    await app.beat("web-1", one)
    assert await states(app) == {"web-1": HEALTHY + UPDATING, "web-2": HEALTHY}
    assert await states(app, names="web-1") == {"web-1": HEALTHY + UPDATING}
    await app.beat("web-1", one, code_version="2.0.0", status=HEALTHY, observed=1)
    await app.send("POST", "/deploy/progress")
    assert await states(app) == {"web-1": HEALTHY, "web-2": HEALTHY + UPDATING}
    await app.beat("web-2", two, code_version="2.0.0", status=HEALTHY, observed=1)
    await app.send("POST", "/deploy/progress")
    await app.beat("web-2", two, code_version="0.9.0")
    assert await states(app) == {"web-1": HEALTHY, "web-2": HEALTHY + DIFFERS}
    assert await states(app, names="web-1,web-2") == {"web-1": HEALTHY, "web-2": HEALTHY + DIFFERS}


async def test_a_version_has_one_mark_in_every_window(app: App) -> None:
    own = await joined(app, "web-1", "1.0.0", zone="a")
    await joined(app, "web-2", "2.0.0", zone="b")
    await joined(app, "web-3", "2.0.0", zone="b")
    narrow = (await columns(app, selector="zone=a"))["marks"]
    assert narrow == {"1.0.0": 0}
    whole = (await columns(app))["marks"]
    assert whole == {"1.0.0": 0, "2.0.0": 1}, "the more frequent one comes later, and takes no mark away"
    assert (await columns(app, selector="zone=b"))["marks"] == whole
    assert (await columns(app, names="web-2"))["marks"] == whole
    await app.beat("web-1", own, code_version="2.0.0")
    assert (await columns(app))["marks"] == {"2.0.0": 1}


async def test_a_failure_that_was_rolled_back_comes_before_its_rollback(app: App) -> None:
    own = await joined(app, "web-1")
    await app.deploy("2.0.0-bad")
    await app.beat("web-1", own, status=3, message="disk full", observed=1)
    await app.send("POST", "/deploy/progress")
    await app.beat("web-1", own, code_version="1.0.0", status=HEALTHY, observed=2)
    await app.send("POST", "/deploy/progress")
    shown = await part(app, "/ui/fleet/deployment")
    assert shown.index('class="state failed"') < shown.index("2.0.0-bad") < shown.index('class="state completed"')


@pytest.mark.parametrize(("query", "field"), [("selector=env%3D%3D%3D", "selector"), ("colour=red", "colour")])
async def test_what_is_wrong_with_a_question_is_said_in_words(app: App, query: str, field: str) -> None:
    response = await browse(app, f"/ui/fleet.json?{query}")
    assert (response.status_code, response.headers["content-type"]) == (422, PROBLEM)
    (error,) = response.json()["errors"]
    assert error["field"] == field
    assert error["message"]


async def test_one_instance_with_its_history(app: App) -> None:
    own = await joined(app, "web-1", env="prod")
    await app.deploy("2.0.0-bad")
    await app.beat("web-1", own, status=3, message="<b>disk</b> full", observed=1)
    shown = await part(app, "/ui/instances/web-1")
    assert 'class="state failed"' in shown
    assert 'class="state updating"' in shown
    assert "&lt;b&gt;disk&lt;/b&gt; full" in shown
    assert "env=prod" in shown
    assert "started updating to 2.0.0-bad" in shown
    assert "registered" in shown
    assert 'href="/ui/deployments/1"' in shown
    assert "dides instance web-1" in shown
    assert shown.index("reports FAILED") < shown.index("started updating") < shown.index("registered"), "newest first"


async def test_looking_leaves_no_line_in_the_log_unless_it_fails(app: App) -> None:
    await joined(app, "web-1")
    with capture_logs() as lines:
        await columns(app)
        await part(app, "/ui/instances/web-1")
        await browse(app, "/ui/fleet.json?selector=%3D")
    assert [(each["path"], each["status"]) for each in lines] == [("/ui/fleet.json", 422)]


async def test_the_address_of_an_instance_leads_to_the_page(app: App) -> None:
    response = await browse(app, "/ui/instances/web-1")
    assert (response.status_code, response.headers["location"]) == (303, "/?instance=web-1")


async def test_an_instance_that_is_gone_is_said_to_be(app: App) -> None:
    shown = await part(app, "/ui/instances/gone")
    assert "There is no instance gone" in shown


async def test_instances_as_rows_in_the_order_in_which_they_are_named(app: App) -> None:
    await joined(app, "web-1", env="prod")
    await joined(app, "web-2", None)
    shown = await part(app, f"/ui/instances?names={quote('web-2,gone,web-1,web-2')}")
    assert shown.count("<tr>") == 2
    assert shown.index("web-2") < shown.index("web-1")
    assert "env=prod" in shown
    assert "not said" in shown


async def test_the_newest_deployment_is_shown_with_its_progress(app: App) -> None:
    assert "Nothing has been deployed yet" in await part(app, "/ui/fleet/deployment")
    own = await joined(app, "web-1")
    await app.deploy("2.0.0")
    running = await part(app, "/ui/fleet/deployment")
    assert 'class="state running"' in running
    assert "1 updating" in running
    assert 'href="/ui/deployments/1"' in running
    await app.beat("web-1", own, code_version="2.0.0", status=HEALTHY, observed=1)
    await app.send("POST", "/deploy/progress")
    ended = await part(app, "/ui/fleet/deployment")
    assert 'class="state completed"' in ended
    assert "<svg" not in ended
