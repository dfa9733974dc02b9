"""The wire contract of the inventory, request by request, as it is written."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dides.coordinator.settings import Settings
from support.app import REGISTRATION, App, running_app, until
from support.clocks import FakeClock

WRITTEN = {
    "instance": {
        "ip": "192.168.1.100",
        "name": "web-server-01",
        "labels": {"environment": "production", "role": "web"},
    },
    "token": REGISTRATION,
}
NAME = "web-server-01"
PATH = f"/inventory/instances/{NAME}"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
INSTANCE_FIELDS = {
    "name",
    "ip",
    "labels",
    "status",
    "current",
    "desired",
    "generation",
    "message",
    "registered_at",
    "duplicated",
    "last_heartbeat_at",
    "reachable",
    "converging",
}


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with running_app(tmp_path) as running:
        yield running


async def registered(app: App) -> str:
    response = await app.send("POST", "/inventory/register", WRITTEN, credential=None)
    assert response.status_code == 201, response.text
    credential: str = response.json()["credential"]
    return credential


async def test_the_written_registration_answers_201_with_the_instance_and_a_credential(app: App) -> None:
    response = await app.send("POST", "/inventory/register", WRITTEN, credential=None)
    assert response.status_code == 201
    answer = response.json()
    assert set(answer) == {"instance", "credential", "heartbeat_interval"}
    assert answer["heartbeat_interval"] == 10
    assert len(answer["credential"]) >= 32
    instance = answer["instance"]
    assert set(instance) == INSTANCE_FIELDS
    assert MOMENT.fullmatch(instance.pop("registered_at"))
    assert instance == {
        **WRITTEN["instance"],  # type: ignore[dict-item]
        "status": 0,
        "current": {"code_version": None, "configuration_version": None},
        "desired": None,
        "generation": 0,
        "message": "",
        "last_heartbeat_at": None,
        "reachable": True,
        "converging": False,
        "duplicated": False,
    }


async def test_labels_may_be_left_out_at_registration(app: App) -> None:
    body = {"instance": {"name": "bare", "ip": "2001:db8::1"}, "token": REGISTRATION}
    assert (await app.send("POST", "/inventory/register", body)).json()["instance"]["labels"] == {}


async def test_the_same_instance_registers_again_with_its_own_credential(app: App) -> None:
    credential = await registered(app)
    changed = {**WRITTEN, "instance": {"name": NAME, "ip": "192.0.2.7", "labels": {"role": "api"}}}
    response = await app.send("POST", "/inventory/register", changed, credential=credential)
    assert response.status_code == 200
    assert response.json()["instance"]["ip"] == "192.0.2.7"
    assert response.json()["instance"]["labels"] == {"role": "api"}
    assert response.json()["credential"] == credential
    assert (await app.send("GET", PATH, credential=credential)).status_code == 200, "though the answer may get lost"


async def test_the_name_of_a_live_instance_is_taken(app: App) -> None:
    await registered(app)
    for credential in (None, "somebody-elses"):
        response = await app.send("POST", "/inventory/register", WRITTEN, credential=credential)
        assert response.status_code == 409
        assert "taken" in response.json()["detail"]


async def test_a_name_that_has_fallen_silent_may_be_taken_up(tmp_path: Path) -> None:
    clock = FakeClock()
    settings = Settings(reconcile_interval=0, heartbeat_interval=0.1, time_to_live=0.2)
    async with running_app(tmp_path, clock=clock, settings=settings) as app:
        await registered(app)
        clock.advance(1)
        async with asyncio.timeout(10):
            while (await app.get(PATH))["reachable"]:
                await asyncio.sleep(0.01)
        assert (await app.get(PATH))["status"] == 0
        response = await app.send("POST", "/inventory/register", WRITTEN, credential=None)
        assert response.status_code == 200
        assert response.json()["instance"]["reachable"] is True


async def test_a_wrong_registration_token_is_401_and_registers_nothing(app: App) -> None:
    response = await app.send("POST", "/inventory/register", {**WRITTEN, "token": "wrong"}, credential=None)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert (await app.get("/inventory/instances"))["count"] == 0


async def test_the_written_heartbeat_answers_what_the_instance_should_be(app: App) -> None:
    credential = await registered(app)
    written = {"code_version": "1.0.0", "configuration_version": "1.0.1", "status": 1}
    assert await app.beat(NAME, credential, **written) == {
        "name": NAME,
        "desired": None,
        "generation": 0,
        "deployment_id": None,
        "update_needed": False,
        "apply": "unless_healthy",
        "heartbeat_interval": 10,
    }
    instance = await app.get(PATH)
    assert instance["current"] == {"code_version": "1.0.0", "configuration_version": "1.0.1"}
    assert instance["status"] == 1
    assert MOMENT.fullmatch(instance["last_heartbeat_at"])
    await app.deploy("2.0.0")
    told = await app.beat(NAME, credential, observed=0, message="busy")
    assert told["desired"] == {"code_version": "2.0.0", "configuration_version": None}
    assert (told["generation"], told["deployment_id"], told["update_needed"]) == (1, 1, True)


@pytest.mark.parametrize("content", [b"", b"{}", b" \n"])
async def test_an_empty_heartbeat_says_alive_and_changes_nothing_else(app: App, content: bytes) -> None:
    credential = await registered(app)
    await app.beat(NAME, credential, code_version="1.0.0", status=1, message="fine")
    before = await app.get(PATH)
    response = await app.send("PATCH", PATH, credential=credential, content=content)
    assert response.status_code == 200, response.text
    after = await app.get(PATH)
    assert after.pop("last_heartbeat_at") >= before.pop("last_heartbeat_at")
    assert after == before


async def test_null_makes_a_version_unknown_and_is_an_error_for_status(app: App) -> None:
    credential = await registered(app)
    await app.beat(NAME, credential, code_version="1.0.0", configuration_version="1.0.1")
    await app.beat(NAME, credential, code_version=None)
    assert (await app.get(PATH))["current"] == {"code_version": None, "configuration_version": "1.0.1"}
    response = await app.send("PATCH", PATH, {"status": None}, credential=credential)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "status"


async def test_the_longest_message_is_kept_whole(app: App) -> None:
    credential = await registered(app)
    await app.beat(NAME, credential, status=3, message="é" * 2000)
    assert (await app.get(PATH))["message"] == "é" * 2000


async def test_operators_change_labels_and_instances_may_not(app: App) -> None:
    credential = await registered(app)
    response = await app.send("PATCH", PATH, {"labels": {"role": "api"}})
    assert response.status_code == 200
    assert response.json()["name"] == NAME
    instance = await app.get(PATH)
    assert instance["labels"] == {"role": "api"}
    assert instance["last_heartbeat_at"] is None, "an operator's change does not count as a report"
    refused = await app.send("PATCH", PATH, {"labels": {"role": "db"}, "status": 1}, credential=credential)
    assert refused.status_code == 403
    refused = await app.send("PATCH", PATH, {"labels": {"role": "db"}, "status": 1})
    assert refused.status_code == 403, "an operator does not report for an instance"
    assert await app.get(PATH) == instance


async def test_the_blocking_query_answers_at_once_above_the_generation(app: App) -> None:
    credential = await registered(app)
    await app.deploy("2.0.0")
    async with asyncio.timeout(5):
        answer = await app.get(f"{PATH}/desired?generation=0&wait=30", credential=credential)
        assert await app.get(f"{PATH}/desired", credential=credential) == answer, "0 and 30 are the defaults"
    assert answer["generation"] == 1
    assert answer == await app.beat(NAME, credential)


async def test_the_blocking_query_answers_as_soon_as_the_generation_rises(app: App) -> None:
    credential = await registered(app)
    query = asyncio.create_task(app.send("GET", f"{PATH}/desired?generation=0&wait=30", credential=credential))
    await app.until_held(NAME)
    assert not query.done()
    await app.deploy("2.0.0")
    async with asyncio.timeout(5):
        response = await query
    assert response.status_code == 200
    assert response.json()["desired"]["code_version"] == "2.0.0"
    assert response.headers["Cache-Control"] == "no-store"


async def test_the_blocking_query_answers_unchanged_after_the_wait(app: App) -> None:
    credential = await registered(app)
    begun = asyncio.get_running_loop().time()
    answer = await app.get(f"{PATH}/desired?generation=7&wait=0.2", credential=credential)
    assert asyncio.get_running_loop().time() - begun >= 0.19
    assert (answer["generation"], answer["desired"]) == (0, None)
    async with asyncio.timeout(5):
        await app.get(f"{PATH}/desired?generation=7&wait=0", credential=credential)


async def test_a_query_that_is_given_up_is_no_longer_held(app: App) -> None:
    credential = await registered(app)
    query = asyncio.create_task(app.send("GET", f"{PATH}/desired?wait=60", credential=credential))
    await app.until_held(NAME)
    query.cancel()
    await until(lambda: not app.coordinator.waiters.holds(NAME))


async def test_decommission_is_204_and_the_credential_then_gets_410_everywhere(app: App) -> None:
    credential = await registered(app)
    held = asyncio.create_task(app.send("GET", f"{PATH}/desired?generation=0&wait=30", credential=credential))
    await app.until_held(NAME)
    response = await app.send("DELETE", PATH)
    assert (response.status_code, response.content) == (204, b"")
    async with asyncio.timeout(5):
        assert (await held).status_code == 410, "also the query that was being held"
    for method, path in (("PATCH", PATH), ("GET", f"{PATH}/desired"), ("GET", PATH), ("GET", "/deploy")):
        gone = await app.send(method, path, credential=credential)
        assert gone.status_code == 410, (method, path)
        assert "decommissioned" in gone.json()["detail"]
    for method, path in (("GET", PATH), ("PATCH", PATH), ("DELETE", PATH)):
        assert (await app.send(method, path)).status_code == 404


async def test_a_decommissioned_name_registers_anew(app: App) -> None:
    earlier = await registered(app)
    await app.send("DELETE", PATH)
    credential = await registered(app)
    assert (await app.send("PATCH", PATH, {}, credential=credential)).status_code == 200
    assert (await app.send("PATCH", PATH, {}, credential=earlier)).status_code == 410


async def test_an_updating_instance_is_decommissioned_by_force_only(app: App) -> None:
    await registered(app)
    await app.deploy("2.0.0")
    for suffix in ("", "?force=false"):
        response = await app.send("DELETE", PATH + suffix)
        assert response.status_code == 409
        assert "force=true" in response.json()["detail"]
    assert (await app.send("DELETE", f"{PATH}?force=true")).status_code == 204


async def test_in_the_development_mode_plain_requests_work(tmp_path: Path) -> None:
    async with running_app(tmp_path, dev=True) as app:
        anything = {**WRITTEN, "token": "your-registration-token"}
        response = await app.send("POST", "/inventory/register", anything, credential=None)
        assert response.status_code == 201
        credential = response.json()["credential"]
        for who in (None, "garbage", credential):
            written = {"code_version": "1.0.0", "configuration_version": "1.0.1", "status": 1}
            assert (await app.send("PATCH", PATH, written, credential=who)).status_code == 200
        held = asyncio.create_task(app.send("GET", f"{PATH}/desired?wait=30", credential=credential))
        await app.until_held(NAME)
        assert (await app.send("DELETE", PATH, credential=None)).status_code == 204
        assert (await held).status_code == 410, "an agent stops in this mode too"
        assert (await app.send("PATCH", PATH, {}, credential=credential)).status_code == 410
        assert (await app.send("PATCH", PATH, {}, credential=None)).status_code == 404
