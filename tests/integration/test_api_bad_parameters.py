"""Query strings and headers that break the schema: refused with the parameter and the reason; nothing is changed."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from support.app import PROBLEM, App, running_app

pytestmark = pytest.mark.asyncio(loop_scope="module")
LISTS = ("/inventory/instances", "/deployments", "/deployments/1/instances", "/deployments/1/events", "/events")
DESIRED = "/inventory/instances/web-1/desired"
INSTANCES, DEPLOYMENTS, TARGETS = LISTS[:3]
WHOLE, CURSOR, SECONDS = (
    "whole number from 1 to 1,000",
    "unknown cursor",
    "seconds from 0 to 60",
)
STATUS, NUMBER_STATUS = "must be running, paused, completed", "must be 0 (UNKNOWN), 1 (HEALTHY)"
STATE, ORDER = "must be pending, updating, succeeded", "must be oldest or newest"
CASES: list[tuple[str, str, str, str]] = [
    *((path, "limit=0", "limit", "must be at least 1") for path in LISTS),
    *((path, "limit=1001", "limit", "must be at most 1,000") for path in LISTS),
    *(
        (LISTS[0], "limit=" + value, "limit", WHOLE)
        for value in ("", "x", "1.5", "1_0", "%2B5", "%205", "0x10", "%EF%BC%95", "null")
    ),
    *((LISTS[1], "limit=" + value, "limit", "must be at") for value in ("-1", "9" * 400, "1e9")),
    *(
        (path, "cursor=" + value, "cursor", CURSOR)
        for path in LISTS
        for value in ("", "!!!", "%00", "AA", "A", "%C3%A9", "LTE")
    ),
    *((path, "cursor=" + "A" * 1001, "cursor", "next_cursor") for path in LISTS),
    (LISTS[0], "cursor=V0VCLTE", "cursor", CURSOR),
    (LISTS[1], "cursor=99999999999999999999999999999", "cursor", CURSOR),
    *((path, "x=1", "x", "is not a known field; known: limit, cursor") for path in LISTS),
    *((path, "limit=1&limit=2", "limit", "is given more than once") for path in LISTS),
    *(
        (INSTANCES, "status=" + value, "status", NUMBER_STATUS)
        for value in ("", "4", "-1", "HEALTHY", "null", "1.0", "true", "%00")
    ),
    *(
        (DEPLOYMENTS, "status=" + value, "status", STATUS)
        for value in ("", "RUNNING", "null", "1", "running%0A", "%00", "running,paused")
    ),
    *((TARGETS, "state=" + value, "state", STATE) for value in ("", "PENDING", "null", "1", "running")),
    *((path, "order=" + value, "order", ORDER) for path in LISTS[3:] for value in ("", "NEWEST", "desc", "null")),
    *(
        (INSTANCES, "selector=" + value, "selector", "is not a label key")
        for value in ("%00", "a%20b", "a%20in%20(", ",", "%ff", "!", "a;b")
    ),
    *(
        (INSTANCES, "selector=" + value, "selector", "is not a label value")
        for value in ("a=%ED%A0%80", "a=%00", "a=%2F", "a%20in%20(-)")
    ),
    (INSTANCES, "selector=" + "a" * 10_001, "selector", "at most 10,000 characters"),
    (INSTANCES, "Selector=a", "Selector", "known: limit, cursor, selector, status"),
    *(
        (DESIRED, "wait=" + value, "wait", "must be at")
        for value in ("-1", "-0.001", "60.001", "61", "inf", "-inf", "nan", "NaN")
    ),
    *((DESIRED, "wait=" + value, "wait", SECONDS) for value in ("", "x", "1s", "1e1000", "null", "1_0", "%00")),
    *(
        (DESIRED, "generation=" + value, "generation", "whole number from 0")
        for value in ("", "x", "1.5", "null", "%00")
    ),
    *((DESIRED, "generation=" + value, "generation", "must be at") for value in ("-1", "9007199254740993", "9" * 400)),
    (DESIRED, "timeout=1", "timeout", "known: generation, wait"),
    *(
        (path, "verbose=1", "verbose", "is not a known field")
        for path in ("/deploy", "/deployments/1", "/inventory/instances/web-1")
    ),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    async with running_app(tmp_path_factory.mktemp("app"), dev=True) as running:
        await running.someone()
        yield running


@pytest.mark.parametrize(("path", "query", "field", "message"), CASES)
async def test_a_bad_parameter_is_422_and_names_it(app: App, path: str, query: str, field: str, message: str) -> None:
    response = await app.send("GET", f"{path}?{query}", credential=None)
    assert response.status_code == 422, response.text
    assert response.headers["Content-Type"] == PROBLEM
    errors = response.json()["errors"]
    assert [each["field"] for each in errors] == [field]
    assert message in errors[0]["message"]
    assert "`" not in errors[0]["message"], "in words, not in types"


async def test_a_bad_parameter_changes_nothing(app: App) -> None:
    before = await app.stored()
    requests = [
        ("DELETE", "/inventory/instances/web-1?force=yes", "force"),
        ("DELETE", "/inventory/instances/web-1?force=", "force"),
        ("DELETE", "/inventory/instances/web-1?Force=true", "Force"),
        ("DELETE", "/inventory/instances/web-1?force=true&force=false", "force"),
        ("PATCH", "/inventory/instances/web-1?status=1", "status"),
        ("POST", "/deploy?dry_run=true", "dry_run"),
        ("POST", "/deploy/rollback?id=1", "id"),
        ("POST", "/inventory/register?token=x", "token"),
    ]
    for method, path, field in requests:
        body = {"code_version": "1", "labels": {}} if path.startswith("/deploy?") else None
        response = await app.send(method, path, body)
        assert response.status_code == 422, path
        assert response.json()["errors"][0]["field"] == field
    assert await app.stored() == before


async def test_ways_to_write_what_is_allowed(app: App) -> None:
    for path in (
        "/inventory/instances?limit=1000&selector=&status=0",
        "/inventory/instances?selector=env%3Dproduction%2C%20!x",
        "/deployments?status=aborted",
        "/events?order=newest&limit=1",
        "/inventory/instances/web-1/desired?wait=0.001&generation=9007199254740992",
        "/inventory/instances/web-1/desired?wait=0&generation=0",
    ):
        assert (await app.send("GET", path)).status_code == 200, path


async def test_a_very_long_query_string_does_no_harm(app: App) -> None:
    for query in ("x" * 60_000, "&" * 60_000, "=&" * 30_000, "limit=1&" * 5_000, "a=%00&" * 5_000):
        response = await app.send("GET", f"/inventory/instances?{query}")
        assert response.status_code in (200, 422)
        assert len(response.text) < 10_000
