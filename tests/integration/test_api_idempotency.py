"""Idempotency-Key: a repeated trigger answers with what the first one made."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from support.app import App, running_app
from support.clocks import FakeClock

BODY = {"code_version": "1.0.0", "labels": {"env": "production", "role": "web"}, "configuration": {"batch_size": 2}}
DAY = 24 * 60 * 60


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def app(tmp_path: Path, clock: FakeClock) -> AsyncIterator[App]:
    async with running_app(tmp_path, clock=clock) as running:
        await running.register("web-1", env="production", role="web")
        yield running


async def trigger(app: App, key: str, body: object = None, content: bytes | None = None) -> httpx2.Response:
    body = BODY if body is None and content is None else body
    return await app.send("POST", "/deploy", body, content=content, headers={"Idempotency-Key": key})


async def test_a_repeated_trigger_answers_200_with_the_same_deployment(app: App) -> None:
    first, again = await trigger(app, "k"), await trigger(app, "k")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert again.headers["Location"] == first.headers["Location"] == "/deployments/1"


async def test_it_answers_so_after_the_deployment_has_ended_too(app: App) -> None:
    await trigger(app, "k")
    await app.send("POST", "/deploy/abort")
    again = await trigger(app, "k")
    assert (again.status_code, again.json()["status"]) == (200, "aborted")
    assert len((await app.get("/deployments"))["deployments"]) == 1


async def test_the_same_body_may_be_written_differently(app: App) -> None:
    await trigger(app, "k")
    written = (
        b'{ "configuration" : {"batch_size":2}, "labels":{"role":"web","env":"production"}, "code_version":"1.0.0"}'
    )
    assert (await trigger(app, "k", content=written)).status_code == 200


async def test_the_same_key_with_another_body_is_422(app: App) -> None:
    await trigger(app, "k")
    response = await trigger(app, "k", {**BODY, "code_version": "1.0.1"})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "Idempotency-Key"


async def test_a_refused_trigger_stores_nothing(app: App) -> None:
    nowhere = {**BODY, "labels": {"env": "nowhere"}}
    assert (await trigger(app, "k", nowhere)).status_code == 422
    assert (await trigger(app, "other")).status_code == 201
    assert (await trigger(app, "k")).status_code == 409
    await app.send("POST", "/deploy/abort")
    assert (await trigger(app, "k")).status_code == 201, "the key was never used"


async def test_a_key_is_kept_for_a_day(app: App, clock: FakeClock) -> None:
    await trigger(app, "k")
    await app.send("POST", "/deploy/abort")
    clock.advance(DAY - 1)
    assert (await trigger(app, "k")).status_code == 200
    clock.advance(2)
    assert (await trigger(app, "k")).status_code == 201


async def test_keys_are_told_apart_as_they_are(app: App) -> None:
    assert (await trigger(app, "k")).status_code == 201
    assert (await trigger(app, "K")).status_code == 409, "another key, and one is in flight"


async def test_without_a_key_a_repeated_trigger_is_409(app: App) -> None:
    assert (await app.send("POST", "/deploy", BODY)).status_code == 201
    assert (await app.send("POST", "/deploy", BODY)).status_code == 409


@pytest.mark.parametrize(("key", "status"), [("k" * 255, 201), ("k" * 256, 422), ("", 422)])
async def test_a_key_has_1_to_255_characters(app: App, key: str, status: int) -> None:
    response = await trigger(app, key)
    assert response.status_code == status
    assert status == 201 or "255" in response.json()["errors"][0]["message"]


async def test_simultaneous_repeats_make_one_deployment(app: App) -> None:
    responses = await asyncio.gather(*(trigger(app, "k") for _ in range(20)))
    assert sorted(each.status_code for each in responses) == [200] * 19 + [201]
    assert {each.json()["id"] for each in responses} == {1}
