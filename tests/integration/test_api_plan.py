"""POST /deploy/plan: it says what a trigger would do, and changes nothing."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from support.app import App, running_app

TO = {"code_version": "2.0.0", "labels": {"env": "production"}}


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with running_app(tmp_path) as running:
        yield running


async def fleet(app: App, number: int, **labels: str) -> None:
    """Register web-01 and so on, HEALTHY at 1.0.0."""
    for each in range(1, number + 1):
        name = f"web-{each:02}"
        credential = await app.register(name, env="production", **labels)
        await app.beat(name, credential, code_version="1.0.0", status=1)


async def plan(app: App, status: int = 200, **fields: object) -> Any:
    response = await app.send("POST", "/deploy/plan", {**TO, **fields})
    assert response.status_code == status, response.text
    return response.json()


async def test_the_plan_of_the_wire_contract(app: App) -> None:
    await fleet(app, 9)
    credential = await app.register("web-10", env="production")
    await app.beat("web-10", credential, code_version="2.0.0", status=1)
    await app.register("db-01", env="staging")
    names = [f"web-{each:02}" for each in range(1, 10)]
    assert await plan(app, configuration={"batch_size": 4}) == {
        "matched": 10,
        "already_at_target": 1,
        "unreachable": 0,
        "waves": [{"size": 9, "instances": names}],
        "window": 4,
        "worst_case": {"reached": 5, "down_at_once": 4},
        "warnings": [],
    }
    waves = (await plan(app, configuration={"batch_size": 4, "waves": [1, "50%"]}))["waves"]
    assert waves == [
        {"size": 1, "instances": names[:1]},
        {"size": 4, "instances": names[1:5]},
        {"size": 4, "instances": names[5:]},
    ]


async def test_it_changes_nothing_and_a_trigger_then_does_what_it_said(app: App) -> None:
    await fleet(app, 12)
    await app.deploy("1.5.0", labels={"env": "production"})
    await app.send("POST", "/deploy/abort")
    configuration = {"order": "shuffle", "waves": [3]}
    before = await app.stored()
    planned = await plan(app, configuration=configuration)
    assert await app.stored() == before
    deployment = await app.deploy("2.0.0", labels={"env": "production"}, configuration=configuration)
    targets = await app.get(f"/deployments/{deployment.id}/instances")
    in_order = [each["instance"] for each in targets["instances"]]
    assert [name for wave in planned["waves"] for name in wave["instances"]] == in_order
    assert in_order != sorted(in_order)


async def test_names_are_the_first_hundred_of_a_wave(app: App) -> None:
    for each in range(101):
        await app.register(f"web-{each:03}", env="production")
    (wave,) = (await plan(app))["waves"]
    assert wave["size"] == 101
    assert wave["instances"] == [f"web-{each:03}" for each in range(100)]


async def test_what_is_refused_as_a_trigger_is_refused_as_a_plan(app: App) -> None:
    await fleet(app, 2)
    for fields, field in (
        ({"labels": {"env": "nowhere"}}, "labels"),
        ({"selector": "role=none"}, "selector"),
        ({"selector": "a b"}, "selector"),
        ({"configuration": {"batch_size": 0}}, "configuration.batch_size"),
        ({"configuration": {"waves": [2, 1]}}, "configuration.waves"),
        ({"lables": {}}, "lables"),
        ({"nonsense": 1}, "nonsense"),
    ):
        planned = await app.send("POST", "/deploy/plan", {**TO, **fields})
        triggered = await app.send("POST", "/deploy", {**TO, **fields})
        assert planned.status_code == triggered.status_code == 422
        assert planned.json()["errors"] == triggered.json()["errors"]
        assert planned.json()["errors"][0]["field"] == field


async def test_a_label_with_too_many_values_to_spread_by_is_refused(app: App) -> None:
    for each in range(101):
        await app.register(f"web-{each:03}", env="production", rack=f"r{each}")
    refused = await plan(app, status=422, configuration={"spread_by": "rack"})
    assert refused["errors"][0]["field"] == "configuration.spread_by"
    spread = await plan(app, configuration={"spread_by": "env", "batch_size": 5})
    assert spread["window"] == 5


async def test_it_warns_of_the_whole_fleet_and_of_a_deployment_in_flight(app: App) -> None:
    await fleet(app, 3)
    assert "matches the whole fleet (3 instances)" in (await plan(app))["warnings"][0]
    await app.register("db-01", env="staging")
    assert (await plan(app))["warnings"] == []
    deployment = await app.deploy("1.5.0", labels={"env": "staging"})
    (warning,) = (await plan(app))["warnings"]
    assert f"Deployment {deployment.id} is in flight" in warning
