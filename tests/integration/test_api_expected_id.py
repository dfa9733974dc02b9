"""An action names the deployment that is meant: a request that arrives late never acts on the next one."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from support.app import App, running_app

IN_FLIGHT_ONLY = ("progress", "pause", "resume", "promote", "abort")
ACTIONS = (*IN_FLIGHT_ONLY, "rollback")


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    """Return an application with one instance, one deployment that was aborted, and one in flight."""
    async with running_app(tmp_path) as app:
        await app.register("web-1", role="web")
        await app.deploy("2.0.0", labels={"role": "web"})
        await app.send("POST", "/deploy/abort", {"deployment_id": 1})
        await app.deploy("3.0.0", labels={"role": "web"})
        yield app


async def act(app: App, action: str, deployment_id: object) -> Any:
    return await app.send("POST", f"/deploy/{action}", {"deployment_id": deployment_id})


async def everything(app: App) -> object:
    deployments = (await app.send("GET", "/deployments")).json()
    events = await app.send("GET", "/events?limit=1000", headers={"Accept": "application/json"})
    return deployments, events.json()


@pytest.mark.parametrize("action", ACTIONS)
async def test_another_deployment_in_flight_is_left_alone(app: App, action: str) -> None:
    before = await everything(app)
    response = await act(app, action, 1)
    assert response.status_code == 409
    assert "deployment 2" in response.json()["detail"].lower()
    assert await everything(app) == before


@pytest.mark.parametrize("action", IN_FLIGHT_ONLY)
async def test_one_that_has_ended_is_said_to_have_with_its_status(app: App, action: str) -> None:
    await act(app, "abort", 2)
    response = await act(app, action, 1)
    assert response.status_code == 409
    assert "Deployment 1 is no longer in flight: it is aborted" in response.json()["detail"]


@pytest.mark.parametrize("action", ["progress", "pause", "resume", "abort"])
async def test_the_one_that_is_addressed_is_acted_on(app: App, action: str) -> None:
    response = await act(app, action, 2)
    assert (response.status_code, response.json()["id"]) == (200, 2)


async def test_the_one_in_flight_may_be_named_to_be_rolled_back(app: App) -> None:
    response = await act(app, "rollback", 2)
    assert (response.status_code, response.json()["rollback_of"]) == (201, 2)


@pytest.mark.parametrize("action", ACTIONS)
async def test_one_that_never_was_is_not_found(app: App, action: str) -> None:
    assert (await act(app, action, 99)).status_code == 404


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("number", [0, -1, 2**53 + 1, 2**64, 1.5, "2", True, None, [2]], ids=repr)
async def test_what_is_no_number_of_a_deployment_is_refused(app: App, action: str, number: object) -> None:
    response = await act(app, action, number)
    assert response.status_code == 422
    assert [each["field"] for each in response.json()["errors"]] == ["deployment_id"]


async def test_what_a_rollback_would_undo_can_be_asked(app: App) -> None:
    assert (await app.send("GET", "/deploy/rollback")).json()["id"] == 2
    await act(app, "rollback", 2)
    assert (await app.send("GET", "/deploy/rollback")).json()["id"] == 1
    assert (await act(app, "rollback", 2)).status_code == 409
    await act(app, "rollback", 1)
    refused = await app.send("GET", "/deploy/rollback")
    assert refused.status_code == 409
    assert "is undone" in refused.json()["detail"]


async def test_without_any_deployment_there_is_nothing_to_undo(tmp_path: Path) -> None:
    async with running_app(tmp_path) as app:
        assert (await app.send("GET", "/deploy/rollback")).status_code == 404
