"""The OpenAPI document: complete, valid, and with the limits that are enforced."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
import pytest_asyncio
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from dides.protocol import messages
from dides.protocol.decode import decode
from support.app import App, running_app

pytestmark = pytest.mark.asyncio(loop_scope="module")
WITHOUT_CREDENTIAL = {"register", "healthz", "readyz"}
BODY_NEEDED = ("/deploy", "/deploy/plan", "/inventory/register")
BASE = "http://localhost/document"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    async with running_app(tmp_path_factory.mktemp("app")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def document(app: App) -> Any:
    return await app.get("/schema/openapi.json", credential=None)


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def nodes(node: Any, at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every object in a document with its place."""
    if isinstance(node, dict):
        yield at, node
        for name, value in node.items():
            yield from nodes(value, f"{at}/{name}")
    if isinstance(node, list):
        for number, value in enumerate(node):
            yield from nodes(value, f"{at}/{number}")


def validator(document: Any, name: str) -> Any:
    """Return a validator for one message, with what it refers to."""
    registry = jsonschema_rs.Registry([(BASE, document)], draft=jsonschema_rs.Draft202012)
    schema = {"$ref": f"{BASE}#/components/schemas/{name}"}
    return jsonschema_rs.Draft202012Validator(schema, registry=registry, validate_formats=True)


async def test_it_is_served_at_both_places_to_everybody(app: App, document: Any) -> None:
    for path in ("/schema", "/schema/openapi.json"):
        response = await app.send("GET", path, credential=None)
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "application/vnd.oai.openapi+json"
        assert response.json() == document


async def test_it_is_valid_openapi_3_1(document: Any) -> None:
    assert document["openapi"].startswith("3.1")
    assert [str(error) for error in OPENAPI_31_VALIDATOR.iter_errors(document)] == []
    for name, schema in document["components"]["schemas"].items():
        assert jsonschema_rs.meta.is_valid(schema), name


async def test_every_reference_leads_somewhere(document: Any) -> None:
    places = {place for place, _ in nodes(document)}
    for at, node in nodes(document):
        if "$ref" in node:
            assert node["$ref"].removeprefix("#") in places, at


async def test_every_operation_is_named_and_described(document: Any) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids)) == 26
    for method, path, operation in operations(document):
        assert operation["summary"], (method, path)
        assert operation["description"], (method, path)
        assert operation["tags"], (method, path)


async def test_every_parameter_and_field_is_described_and_limited(document: Any) -> None:
    for method, path, operation in operations(document):
        for parameter in operation["parameters"]:
            assert parameter["description"], (method, path, parameter)
            assert set(parameter["schema"]) > {"type"} or parameter["name"] == "force", (method, path, parameter)
        named = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"}
        assert named == {part[1:-1] for part in path.split("/") if part.startswith("{")}
    for name, schema in document["components"]["schemas"].items():
        assert schema.get("description"), name
        for field, described in schema.get("properties", {}).items():
            said = described.get("description") or any(each.get("description") for each in described.get("anyOf", []))
            assert said or "$ref" in described or name in ("State", "Health"), f"{name}.{field}"


async def test_every_body_has_an_example_that_is_accepted(document: Any) -> None:
    bodies = 0
    for method, path, operation in operations(document):
        if "requestBody" not in operation:
            assert method in ("GET", "DELETE"), path
            continue
        bodies += 1
        content = operation["requestBody"]["content"]["application/json"]
        name = content["schema"]["$ref"].rpartition("/")[2]
        for example in content["examples"].values():
            assert validator(document, name).is_valid(example["value"])
            decode(msgspec.json.encode(example["value"]), getattr(messages, name))
        assert operation["requestBody"]["required"] is (path in BODY_NEEDED)
    assert bodies == 11


async def test_every_refusal_is_a_problem_document(document: Any) -> None:
    for method, path, operation in operations(document):
        statuses = set(operation["responses"])
        for status, response in operation["responses"].items():
            assert response["description"]
            assert "X-Request-ID" in response["headers"]
            if int(status) >= 400:
                reference = {"$ref": "#/components/schemas/Problem"}
                assert response["content"] == {"application/problem+json": {"schema": reference}}
        if path == "/healthz":
            assert statuses == {"200"}
        elif path == "/readyz":
            assert statuses == {"200", "503"}
        else:
            assert statuses >= {"401", "403", "422", "503"}, (method, path)
        if "requestBody" in operation:
            assert statuses >= {"400", "413"}, (method, path)
        if "{" in path:
            assert "404" in statuses, (method, path)


async def test_security_is_said_of_every_operation(document: Any, tmp_path: Path) -> None:
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    for _, path, operation in operations(document):
        security = operation.get("security", document["security"])
        assert ({} in security) is (operation["operationId"] in WITHOUT_CREDENTIAL), path
    async with running_app(tmp_path, dev=True) as open_to_all:
        opened = await open_to_all.get("/schema", credential=None)
    assert {} in opened["security"]


LIMITS: list[tuple[str, str, dict[str, Any]]] = [
    ("InstanceSpec", "name", {"minLength": 1, "maxLength": 253}),
    ("InstanceSpec", "labels", {"maxProperties": 64}),
    ("Registration", "token", {"minLength": 1, "maxLength": 1024}),
    ("Heartbeat", "observed", {"minimum": 0, "maximum": 2**53}),
    ("Heartbeat", "message", {"maxLength": 2000, "pattern": r"^[^\x00]*$"}),
    ("Heartbeat", "labels", {"maxProperties": 64}),
    ("DeployRequest", "code_version", {"minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"}),
    ("DeployRequest", "labels", {"maxProperties": 64}),
    ("DeployRequest", "lables", {"maxProperties": 64}),
    ("DeployRequest", "selector", {"maxLength": 10_000}),
    ("Configuration", "update_timeout", {"exclusiveMinimum": 0, "maximum": 31_536_000, "default": 600}),
    ("Configuration", "waves", {"maxItems": 100, "default": []}),
    ("Configuration", "min_healthy_time", {"minimum": 0, "maximum": 31_536_000, "default": 0}),
    ("Configuration", "retries", {"minimum": 0, "maximum": 100, "default": 0}),
    ("Configuration", "auto_rollback", {"default": True}),
]


@pytest.mark.parametrize(("message", "field", "limits"), LIMITS)
async def test_limits_are_published(document: Any, message: str, field: str, limits: dict[str, Any]) -> None:
    schema = document["components"]["schemas"][message]
    assert limits.items() <= schema["properties"][field].items()
    assert schema["additionalProperties"] is False


async def test_patterns_are_written_for_every_reader_of_schemas(document: Any) -> None:
    patterns = [node["pattern"] for _, node in nodes(document) if isinstance(node.get("pattern"), str)]
    assert patterns
    assert all(pattern.startswith("^") and pattern.endswith("$") for pattern in patterns)


INVALID: list[tuple[str, object]] = [
    ("DeployRequest", {"code_version": "1"}),
    ("DeployRequest", {"labels": {}}),
    ("DeployRequest", {"code_version": "1", "labels": {}, "lables": {}}),
    ("DeployRequest", {"code_version": "1", "labels": {}, "configuration": {}, "condiguration": {}}),
    ("DeployRequest", {"code_version": "1", "labels": {}, "waves": [1]}),
    ("DeployRequest", {"code_version": "1", "labels": {"a b": "x"}}),
    ("DeployRequest", {"code_version": "1", "labels": {"a": "x y"}}),
    ("DeployRequest", {"code_version": "1", "labels": {}, "configuration": {"batch_size": "0%"}}),
    ("DeployRequest", {"code_version": "1", "labels": {}, "configuration": {"batch_size": 0}}),
    ("DeployRequest", {"code_version": "1", "labels": {}, "configuration": {"waves": [1, "0%"]}}),
    ("DeployRequest", {"code_version": "1", "labels": {}, "configuration": {"wave_pause": "auto"}}),
    ("DeployRequest", {"code_version": "1", "labels": {}, "configuration": {"spread_by": "a b"}}),
    ("DeployRequest", {"code_version": "1", "labels": {}, "configuration": {"order": "random"}}),
    ("DeployRequest", {"code_version": None, "labels": {}}),
    ("Heartbeat", {"status": 4}),
    ("Heartbeat", {"status": None}),
    ("Registration", {"instance": {"name": "Web", "ip": "::1"}, "token": "x"}),
    ("Registration", {"instance": {"name": "web", "ip": "1.2.3"}, "token": "x"}),
    ("AbortRequest", {"rollback": 1}),
    ("ActionRequest", {"x": 1}),
    ("ActionRequest", {"deployment_id": 0}),
    ("ActionRequest", {"deployment_id": None}),
    ("AbortRequest", {"deployment_id": 2**53 + 1}),
]


@pytest.mark.parametrize(("message", "body"), INVALID)
async def test_what_is_refused_breaks_the_published_schema(document: Any, message: str, body: object) -> None:
    assert not validator(document, message).is_valid(body)


VALID: list[tuple[str, object]] = [
    ("DeployRequest", {"code_version": "1", "lables": {"a.b/c": ""}, "condiguration": {"batch_size": "12.5%"}}),
    ("DeployRequest", {"configuration_version": "1", "selector": "env=production"}),
    (
        "DeployRequest",
        {
            "code_version": "1",
            "labels": {},
            "configuration": {
                "waves": [1, "10%"],
                "wave_pause": "manual",
                "min_healthy_time": 0,
                "deadline": None,
                "max_unavailable": "10%",
                "spread_by": "example.com/zone",
                "retries": 100,
                "order": "shuffle",
            },
        },
    ),
    ("Heartbeat", {}),
    ("Heartbeat", {"code_version": None, "status": 0, "observed": 0, "message": ""}),
    ("Registration", {"instance": {"name": "a" * 63, "ip": "2001:db8::1"}, "token": "x"}),
    ("ActionRequest", {}),
    ("AbortRequest", {"deployment_id": 1}),
]


@pytest.mark.parametrize(("message", "body"), VALID)
async def test_what_is_accepted_fits_the_published_schema(document: Any, message: str, body: object) -> None:
    assert validator(document, message).is_valid(body)
    decode(msgspec.json.encode(body), getattr(messages, message))
