"""An instance registers again with its own credential: no token, no new credential, and nobody else can."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from support.app import REGISTRATION, App, running_app

WEB = "/inventory/instances/web-1"


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with running_app(tmp_path) as running:
        yield running


async def register(app: App, credential: str | None, token: str | None = None, **instance: object) -> httpx2.Response:
    spec = {"name": "web-1", "ip": "192.0.2.9", "labels": {"env": "test"}, **instance}
    body = {"instance": spec, **({} if token is None else {"token": token})}
    return await app.send("POST", "/inventory/register", body, credential=credential)


@pytest.mark.parametrize("token", [None, "an old one", REGISTRATION])
async def test_its_own_credential_is_enough_and_stays(app: App, token: str | None) -> None:
    own = await app.register("web-1", env="prod")
    for _ in range(2):  # The first answer may have been lost.
        answer = await register(app, own, token)
        assert (answer.status_code, answer.json()["credential"]) == (200, own)
    shown = await app.get(WEB)
    assert (shown["ip"], shown["labels"]) == ("192.0.2.9", {"env": "test"})
    await app.beat("web-1", own, status=1)


async def test_nothing_else_does_without_the_token(app: App) -> None:
    await app.register("web-1")
    others = await app.register("web-2")
    for credential, token in [
        (None, "wrong"),
        *((each, token) for each in (others, "nobody's") for token in (None, "x")),
    ]:
        assert (await register(app, credential, token)).status_code == 401
    assert (await register(app, others, name="web-3")).status_code == 401
    assert (await app.get(WEB))["ip"] == "192.0.2.1"


async def test_what_is_missing_is_said(app: App) -> None:
    answer = await register(app, None)
    needed = {"field": "token", "message": "is needed, or the instance's own credential in Authorization"}
    assert (answer.status_code, answer.json()["errors"]) == (422, [needed])


async def test_a_decommissioned_one_is_told_so_without_a_token_too(app: App) -> None:
    own = await app.register("web-1")
    assert (await app.send("DELETE", WEB)).status_code == 204
    assert (await register(app, own)).status_code == 410
    assert (await register(app, own, "wrong")).status_code == 410


async def test_what_an_operator_has_set_or_removed_stays(app: App) -> None:
    own = await app.register("web-1", env="prod", role="web")
    assert (await app.send("PATCH", WEB, {"labels": {"env": "test"}})).status_code == 200
    await register(app, own, labels={"env": "prod", "role": "web", "zone": "a"})
    assert (await app.get(WEB))["labels"] == {"env": "test", "zone": "a"}
    selected = await app.get("/inventory/instances?selector=env=test,zone=a,!role")
    assert selected["count"] == 1


async def test_a_reserved_label_is_refused_in_registrations(app: App) -> None:
    answer = await register(app, None, REGISTRATION, labels={"dides/token": "x"})
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == ["instance.labels.dides/token"]


async def test_in_the_development_mode_it_proves_itself_as_well(tmp_path: Path) -> None:
    async with running_app(tmp_path / "dev", dev=True) as app:
        own = await app.register("web-1")
        assert (await register(app, own)).json()["credential"] == own
        assert (await register(app, None, "any")).status_code == 409
