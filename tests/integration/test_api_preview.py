"""`?preview=true`: an action says what it would do, changes nothing, and then does just that."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from support.app import App, running_app

ACTIONS = ("pause", "resume", "promote", "abort", "rollback")
WAVES = {"waves": [1, 2], "wave_pause": "manual", "batch_size": 2}


@pytest_asyncio.fixture
async def own(app: App) -> str:
    """Register web-1, and return its credential."""
    own = await app.register("web-1")
    await app.beat("web-1", own, code_version="1", status=1)
    return own


@pytest_asyncio.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with running_app(tmp_path) as running:
        for name in ("web-2", "web-3"):
            await running.beat(name, await running.register(name), code_version="1", status=1)
        yield running


async def ask(app: App, action: str, status: int = 200, **body: object) -> Any:
    """Ask for a preview, and see that nothing was stored."""
    before = await app.stored()
    answer = await app.send("POST", f"/deploy/{action}?preview=true", body)
    assert answer.status_code == status, answer.text
    assert await app.stored() == before, "a preview changes nothing"
    return answer.json()


async def do(app: App, action: str, **body: object) -> Any:
    answer = await app.send("POST", f"/deploy/{action}", body)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


async def test_an_abort_skips_and_restores_as_its_preview_said(app: App) -> None:
    await app.deploy("2", configuration={"batch_size": 2})
    said = await ask(app, "abort")
    assert (said["action"], said["deployment_id"], said["why_not"]) == ("abort", 1, None)
    assert said["stopped"] == {"pending": 0, "updating": 2, "restored": 2}
    assert (said["returned"], said["wave"]) == (None, None)
    assert (await do(app, "abort"))["progress"]["skipped"] == 2


async def test_an_abort_with_a_rollback_returns_as_many_as_its_preview_said(app: App) -> None:
    await app.deploy("2", configuration={"batch_size": 2})
    said = await ask(app, "abort", rollback=True)
    assert said["action"] == "abort-and-roll-back"
    assert said["returned"]["to"] == {"code_version": "1", "configuration_version": None}
    aborted = await do(app, "abort", rollback=True)
    rollback = await app.get(f"/deployments/{aborted['rolled_back_by']}")
    assert rollback["progress"]["total"] == said["returned"]["instances"] == 2


async def test_a_rollback_of_what_is_in_flight_is_previewed_with_its_stop(app: App) -> None:
    await app.deploy("2", configuration={"batch_size": 2})
    said = await ask(app, "rollback")
    assert (said["action"], said["stopped"]["updating"], said["returned"]["instances"]) == ("rollback", 2, 2)
    assert (await do(app, "rollback"))["progress"]["total"] == 2


async def test_a_promotion_opens_the_wave_that_its_preview_said(app: App, own: str) -> None:
    await app.deploy("2", configuration=WAVES)
    assert "still being rolled out" in (await ask(app, "promote"))["why_not"]
    generation = (await app.beat("web-1", own))["generation"]
    await app.beat("web-1", own, code_version="2", status=1, observed=generation)
    await do(app, "progress")
    said = await ask(app, "promote")
    assert (said["why_not"], said["wave"]) == (None, {"number": 2, "of": 3, "room": 1})
    assert (await do(app, "promote"))["wave"]["open"] == 2


async def test_pause_and_resume_say_when_they_would_change_nothing(app: App) -> None:
    await app.deploy("2", configuration=WAVES)
    assert (await ask(app, "resume"))["why_not"] == "Deployment 1 is not paused."
    assert (await ask(app, "pause"))["why_not"] is None
    await do(app, "pause")
    assert (await ask(app, "pause"))["why_not"] == "Deployment 1 is paused already."
    said = await ask(app, "resume")
    assert (said["paused"], said["wave"], said["window"]) == (True, {"number": 1, "of": 2, "room": 0}, 2)


@pytest.mark.parametrize("action", ACTIONS)
async def test_without_a_deployment_a_preview_is_refused_as_the_action_is(app: App, action: str) -> None:
    real = await app.send("POST", f"/deploy/{action}", {})
    refused = await ask(app, action, real.status_code)
    assert (real.status_code, refused["detail"]) == (404, real.json()["detail"])


@pytest.mark.parametrize("action", ACTIONS)
async def test_another_deployment_than_the_expected_one_is_refused(app: App, action: str) -> None:
    await app.deploy("2")
    await do(app, "abort")
    await app.deploy("3")
    await ask(app, action, 409, deployment_id=1)


async def test_a_preview_is_asked_for_with_true_or_false(app: App) -> None:
    await app.deploy("2")
    assert (await app.send("POST", "/deploy/abort?preview=maybe", {})).status_code == 422
    assert (await app.send("POST", "/deploy/progress?preview=true", {})).status_code == 422
    assert (await app.send("POST", "/deploy/abort?preview=false", {})).json()["status"] == "aborted"
