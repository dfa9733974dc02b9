"""The wire contract of deployments, request by request, as it is written."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from support.app import PROBLEM, App, running_app

WRITTEN = {
    "code_version": "1.0.0",
    "configuration_version": "1.0.1",
    "labels": {"env": "production"},
    "configuration": {"batch_size": 2, "failure_threshold": 1},
}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


DEFAULTS = {
    "batch_size": 1,
    "failure_threshold": 1,
    "waves": [],
    "wave_pause": 0,
    "min_healthy_time": 0,
    "update_timeout": 600,
    "deadline": None,
    "max_unavailable": None,
    "spread_by": None,
    "retries": 0,
    "order": "name",
    "auto_rollback": True,
    "force": False,
}


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with running_app(tmp_path) as running:
        yield running


@pytest.fixture
async def fleet(app: App) -> App:
    """Three instances in production and one in staging."""
    for name in ("web-1", "web-2", "web-3"):
        await app.register(name, env="production", role="web" if name != "web-3" else "api")
    await app.register("stage-1", env="staging", role="web")
    return app


async def post(app: App, path: str, body: object = None, *, status: int = 200) -> Any:
    response = await app.send("POST", path, body)
    assert response.status_code == status, response.text
    return response.json()


async def targets_of(app: App, deployment_id: int = 1) -> list[str]:
    page = await app.get(f"/deployments/{deployment_id}/instances")
    return [each["instance"] for each in page["instances"]]


async def test_the_written_trigger_answers_201_with_the_deployment_and_a_location(fleet: App) -> None:
    response = await fleet.send("POST", "/deploy", WRITTEN)
    assert response.status_code == 201
    assert response.headers["Location"] == "/deployments/1"
    answer = response.json()
    assert await fleet.get(response.headers["Location"]) == answer
    assert await fleet.get("/deploy") == answer
    assert MOMENT.fullmatch(answer.pop("created_at"))
    assert answer == {
        "id": 1,
        "kind": "deploy",
        "rollback_of": None,
        "status": "running",
        "reason": "",
        "code_version": "1.0.0",
        "configuration_version": "1.0.1",
        "labels": {"env": "production"},
        "selector": None,
        "configuration": {**DEFAULTS, "batch_size": 2},
        "progress": {"total": 3, "pending": 1, "updating": 2, "succeeded": 0, "failed": 0, "skipped": 0},
        "wave": None,
        "held_by": "batch_size",
        "rolled_back_by": None,
        "withdrawn": False,
        "finished_at": None,
        "created_by": "operator",
    }


async def test_targets_have_the_written_fields(fleet: App) -> None:
    await fleet.send("POST", "/deploy", WRITTEN)
    first, _, last = (await fleet.get("/deployments/1/instances"))["instances"]
    assert MOMENT.fullmatch(first.pop("assigned_at"))
    assert first == {
        "instance": "web-1",
        "state": "updating",
        "reason": "",
        "message": "",
        "from": {"code_version": None, "configuration_version": None},
        "to": {"code_version": "1.0.0", "configuration_version": "1.0.1"},
        "attempt": 1,
        "finished_at": None,
    }
    assert (last["instance"], last["state"], last["assigned_at"]) == ("web-3", "pending", None)


async def test_events_have_the_written_fields(fleet: App) -> None:
    await fleet.send("POST", "/deploy", WRITTEN)
    events = (await fleet.get("/deployments/1/events"))["events"]
    assert [each["kind"] for each in events] == ["deployment.triggered", "target.assigned", "target.assigned"]
    told = events[1]
    assert set(told) == {"id", "at", "kind", "deployment_id", "instance", "actor", "data"}
    assert MOMENT.fullmatch(told["at"])
    assert (told["deployment_id"], told["instance"], type(told["data"])) == (1, "web-1", dict)
    assert events[0]["actor"] == "operator"


async def test_the_first_documents_spellings_are_accepted(fleet: App) -> None:
    body = {"code_version": "1", "lables": {"role": "api"}, "condiguration": {"batch_size": "50%"}}
    answer = await post(fleet, "/deploy", body, status=201)
    assert answer["labels"] == {"role": "api"}
    assert answer["configuration"]["batch_size"] == "50%"


async def test_empty_labels_mean_the_whole_fleet(fleet: App) -> None:
    await post(fleet, "/deploy", {"code_version": "1", "labels": {}}, status=201)
    assert await targets_of(fleet) == ["stage-1", "web-1", "web-2", "web-3"]


async def test_labels_and_selector_must_both_hold(fleet: App) -> None:
    body = {"code_version": "1", "labels": {"env": "production"}, "selector": "role in (web,db)"}
    answer = await post(fleet, "/deploy", body, status=201)
    assert answer["selector"] == "role in (web,db)"
    assert await targets_of(fleet) == ["web-1", "web-2"]


async def test_a_selector_may_stand_instead_of_labels(fleet: App) -> None:
    answer = await post(fleet, "/deploy", {"code_version": "1", "selector": "env!=production"}, status=201)
    assert answer["labels"] == {}
    assert await targets_of(fleet) == ["stage-1"]


@pytest.mark.parametrize("left_out", ["code_version", "configuration_version"])
async def test_a_version_that_is_left_out_is_null(fleet: App, left_out: str) -> None:
    body = {name: value for name, value in WRITTEN.items() if name != left_out}
    assert (await post(fleet, "/deploy", body, status=201))[left_out] is None


async def test_configuration_and_its_fields_have_defaults(fleet: App) -> None:
    answer = await post(fleet, "/deploy", {"code_version": "1", "labels": {}}, status=201)
    assert answer["configuration"] == DEFAULTS
    await post(fleet, "/deploy/abort")
    answer = await post(fleet, "/deploy", {"code_version": "2", "labels": {}, "configuration": {}}, status=201)
    assert answer["configuration"] == DEFAULTS


async def test_a_trigger_while_one_is_in_flight_is_409_and_says_which(fleet: App) -> None:
    await fleet.deploy()
    response = await fleet.send("POST", "/deploy", WRITTEN)
    assert response.status_code == 409
    assert response.headers["Content-Type"] == PROBLEM
    assert response.json()["deployment_id"] == 1


async def test_what_matches_no_instance_is_422(fleet: App) -> None:
    for field, value in (("labels", {"env": "nowhere"}), ("selector", "env=nowhere")):
        response = await fleet.send("POST", "/deploy", {"code_version": "1", field: value})
        assert response.status_code == 422
        assert response.json()["errors"][0]["field"] == field
    assert (await fleet.send("GET", "/deployments/1")).status_code == 404


async def test_without_a_deployment_in_flight_the_actions_are_404(fleet: App) -> None:
    assert (await fleet.send("GET", "/deploy")).status_code == 404
    for action in ("progress", "pause", "resume", "abort", "rollback"):
        response = await fleet.send("POST", f"/deploy/{action}", {})
        assert response.status_code == 404, action
        assert response.headers["Content-Type"] == PROBLEM
    assert (await fleet.send("GET", "/deployments/1/instances")).status_code == 404
    assert (await fleet.send("GET", "/deployments/1/events")).status_code == 404


@pytest.mark.parametrize("content", [b"", b"{}", b"\n", None])
async def test_an_empty_body_is_an_empty_object_on_every_action(fleet: App, content: bytes | None) -> None:
    await fleet.deploy()
    for action in ("progress", "pause", "pause", "resume", "resume", "abort"):
        response = await fleet.send("POST", f"/deploy/{action}", content=content)
        assert response.status_code == 200, (action, response.text)
    assert (await fleet.get("/deployments/1"))["status"] == "aborted"
    assert (await fleet.send("POST", "/deploy/rollback", content=content)).status_code == 201


async def test_a_rollout_in_manual_mode_is_driven_by_hand(app: App) -> None:
    credentials = {name: await app.register(name) for name in ("web-1", "web-2")}
    await app.deploy("2.0.0")
    for name, credential in credentials.items():
        await app.beat(name, credential, code_version="2.0.0", status=1)
        assert (await app.get("/deploy"))["progress"]["succeeded"] == list(credentials).index(name), "no step unasked"
        await post(app, "/deploy/progress", {})
    answer = await app.get("/deployments/1")
    assert answer["status"] == "completed"
    assert answer["progress"]["succeeded"] == 2
    assert MOMENT.fullmatch(answer["finished_at"])
    assert (await app.send("POST", "/deploy/progress", {})).status_code == 404


async def test_pause_and_resume_may_be_repeated(fleet: App) -> None:
    await fleet.deploy()
    for action, status, held_by in (("pause", "paused", "paused"), ("resume", "running", "batch_size")):
        for _ in range(2):
            answer = await post(fleet, f"/deploy/{action}", {})
            assert (answer["status"], answer["held_by"]) == (status, held_by)
    kinds = [each["kind"] for each in (await fleet.get("/deployments/1/events"))["events"]]
    assert kinds.count("deployment.paused") == kinds.count("deployment.resumed") == 1


async def test_abort_stops_and_with_rollback_undoes(fleet: App) -> None:
    await fleet.deploy()
    aborted = await post(fleet, "/deploy/abort", {"rollback": True})
    assert (aborted["id"], aborted["status"], aborted["rolled_back_by"]) == (1, "aborted", 2)
    rollback = await fleet.get("/deployments/2")
    assert (rollback["kind"], rollback["rollback_of"]) == ("rollback", 1)


async def test_rollback_answers_with_the_rollback_and_its_location(app: App) -> None:
    credential = await app.register("web-1")
    await app.beat("web-1", credential, code_version="1.0.0", status=1)
    await app.deploy("2.0.0")
    response = await app.send("POST", "/deploy/rollback", {})
    assert response.status_code == 201
    assert response.headers["Location"] == "/deployments/2"
    rollback = response.json()
    assert (rollback["kind"], rollback["rollback_of"], rollback["status"]) == ("rollback", 1, "running")
    assert (await app.get("/deployments/1"))["rolled_back_by"] == 2
    refused = await app.send("POST", "/deploy/abort", {"rollback": True})
    assert refused.status_code == 409, "a rollback is not rolled back"
    assert (await app.send("POST", "/deploy/rollback", {})).status_code == 409
    assert (await post(app, "/deploy/abort", {"rollback": False}))["status"] == "aborted"


async def test_an_undone_deployment_is_not_undone_again(app: App) -> None:
    await app.register("web-1")
    await app.deploy("2.0.0")
    await post(app, "/deploy/rollback", {}, status=201)
    while (await app.send("POST", "/deploy/progress")).status_code == 200:
        assert len((await app.get("/deployments"))["deployments"]) == 2
    assert (await app.send("POST", "/deploy/rollback", {})).status_code == 409


async def test_in_the_development_mode_anonymous_deploys(tmp_path: Path) -> None:
    async with running_app(tmp_path, dev=True) as app:
        await app.register("web-1", env="production")
        response = await app.send("POST", "/deploy", WRITTEN, credential=None)
        assert response.status_code == 201
        assert response.json()["created_by"] == "anonymous"
