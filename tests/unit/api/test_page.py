"""docs/api.md says what the API is: every path, parameter, status, message and field of the OpenAPI document."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from dides.api.connections import early_refusals
from support.app import PROBLEM, running_app

PAGE = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
Row = tuple[set[str], str, set[str], set[str], set[str]]
"""Parameters, body, statuses of success, answers, statuses of refusals."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def document(tmp_path_factory: pytest.TempPathFactory) -> Any:
    async with running_app(tmp_path_factory.mktemp("app")) as app:
        return await app.get("/schema")


def section(title: str) -> str:
    """Return the text under a heading of any level, up to the next heading of its level or above."""
    found = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^#{{1,3}} |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"docs/api.md has no section {title!r}"
    return found[2]


def rows_of(text: str) -> list[list[str]]:
    return [re.split(r"\s*\|\s*", line) for line in re.findall(r"^\| (`.*?)\s*\|$", text, re.MULTILINE)]


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def described(document: Any) -> dict[str, Row]:
    """Return what the document says of each request, in the shape of the page's table."""
    found: dict[str, Row] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            parameters = {each["name"] for each in operation["parameters"] if each["in"] != "path"}
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            good = {status: each for status, each in operation["responses"].items() if status < "4"}
            answers = {name for each in good.values() for name in messages_in(each, "application/json")}
            bad = {status for status, each in operation["responses"].items() if PROBLEM in each.get("content", {})}
            found[f"{method.upper()} {path}"] = (parameters, name_in(body), set(good), answers, bad)
    return found


def messages_in(response: Any, media_type: str) -> set[str]:
    """Return the message of a response, or each of those that it may be."""
    schema = response.get("content", {}).get(media_type, {}).get("schema", {})
    return {name_in({"schema": one}) for one in schema.get("oneOf", [schema])} - {""}


def name_in(content: Any) -> str:
    return str(content.get("schema", {}).get("$ref", "")).rpartition("/")[2]


def test_the_page_has_every_request_with_its_parameters_bodies_and_statuses(document: Any) -> None:
    written: dict[str, Row] = {}
    for request, _, parameters, body, success, refusals in rows_of(section("Requests")):
        statuses = set(re.findall(r"\b\d{3}\b", success))
        written[words(request)[0]] = (
            set(words(parameters)),
            "".join(words(body)),
            statuses,
            set(words(success)),
            set(refusals.split()),
        )
    assert written == described(document)


def test_the_page_has_every_message_with_every_field(document: Any) -> None:
    schemas = document["components"]["schemas"]
    objects = {name: schema for name, schema in schemas.items() if schema.get("type") == "object"}
    titles = re.findall(r"^### (\w+)$", PAGE.partition("\n## Messages\n")[2], re.MULTILINE)
    assert set(titles) == set(objects)
    for name, schema in objects.items():
        fields = [field for row in rows_of(section(name)) for field in words(row[0])]
        assert sorted(fields) == sorted(schema["properties"]), name


def test_the_page_has_every_parameter(document: Any) -> None:
    written = {name for row in rows_of(section("Parameters")) for name in words(row[0])}
    real = {name for parameters, *_ in described(document).values() for name in parameters}
    assert written == real - {"Idempotency-Key"}
    assert "Idempotency-Key" in section("Trigger")


def test_the_page_names_the_defaults_of_the_configuration(document: Any) -> None:
    properties = document["components"]["schemas"]["Configuration"]["properties"]
    written = {words(row[0])[0]: json.loads(row[-1].strip("`")) for row in rows_of(section("Configuration"))}
    assert written == {name: field["default"] for name, field in properties.items()}


def test_the_page_has_every_status_that_is_described(document: Any) -> None:
    described_statuses = {status for *_, bad in described(document).values() for status in bad}
    written = set(re.findall(r"\b[45]\d\d\b", section("Errors")))
    refused_early = {
        str(value.status) for value in vars(early_refusals).values() if isinstance(value, early_refusals.EarlyRefusal)
    }
    assert written == described_statuses | refused_early | {"405", "500"}
