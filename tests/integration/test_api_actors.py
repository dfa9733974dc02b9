"""Who did something: an instance that is named as an operator, or as the coordinator, is neither."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from support.app import App, running_app

NAMES = ("operator", "system", "coordinator", "anonymous")


async def actors(app: App) -> set[tuple[str, str]]:
    """Return who did what."""
    events: Iterable[Any] = (await app.get("/events?limit=1000"))["events"]
    return {(event["kind"], event["actor"]) for event in events}


@pytest.mark.parametrize("name", NAMES)
async def test_what_an_instance_does_is_never_an_operators_nor_the_coordinators(tmp_path: Path, name: str) -> None:
    async with running_app(tmp_path) as app:
        credential = await app.register(name)
        await app.beat(name, credential, status=1, code_version="1")
        await app.send("PATCH", f"/inventory/instances/{name}", {"labels": {"a": "b"}})
        await app.deploy("2")
        await app.beat(name, credential, status=3, code_version="2", observed=1)
        await app.send("POST", "/deploy/progress")
        found = await actors(app)
    itself = f"instance:{name}"
    assert {("instance.registered", itself), ("instance.reported", itself)} <= found
    assert {("instance.relabelled", "operator"), ("deployment.triggered", "operator")} <= found
    assert {("target.failed", "system"), ("deployment.triggered", "system")} <= found
    assert {actor for _, actor in found} == {itself, "operator", "system"}


async def test_a_key_of_an_instance_is_not_the_one_of_an_operator(tmp_path: Path) -> None:
    """In the development mode an instance may deploy, too."""
    async with running_app(tmp_path, dev=True) as app:
        credential = await app.register("operator")
        key, body = {"Idempotency-Key": "1"}, {"code_version": "2", "labels": {}}
        mine = await app.send("POST", "/deploy", body, headers=key, credential=credential)
        await app.send("POST", "/deploy/abort")
        theirs = await app.send("POST", "/deploy", body, headers=key)
    assert (mine.status_code, mine.json()["created_by"]) == (201, "instance:operator")
    assert (theirs.status_code, theirs.json()["created_by"]) == (201, "operator")
