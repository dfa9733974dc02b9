"""Bodies that are no JSON, JSON that readers differ about, bodies too large, and bodies with a wrong label on them."""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from support.app import PROBLEM, REGISTRATION, App, running_app

pytestmark = pytest.mark.asyncio(loop_scope="module")
MALFORMED = [
    (b'{"code_version": "1.0.0"', "line 1, column 25", "ends too early"),
    (b"{", "line 1, column 2", "ends too early"),
    (b'{\n  "code_version": "1.0.0",\n  "labels": {"a" "b"}\n}', "line 3, column 18", "expecting ':'"),
    (b'{\r\n"code_version": "1",\r\n}', "line 3, column 1", ""),
    ('{"labels": {"é": "日本"}, "x": }'.encode(), "line 1, column 30", "expecting value"),
    ('{\n"labels": {"日本語": "é"}, x}'.encode(), "line 2, column 25", ""),
    (b"{'code_version': 1}", "line 1, column 2", ""),
    (b"code_version=1&labels=", "line 1, column 1", "expecting value"),
    (b'{"code_version": NaN}', "line 1, column 18", ""),
    (b'{"configuration": {"update_timeout": Infinity}}', "line 1, column 38", ""),
    (b'{"configuration": {"update_timeout": -Infinity}}', "line 1, column 39", ""),
    (b'{"configuration": {"batch_size": 01}}', "line 1, column 35", ""),
    (b'{"configuration": {"batch_size": 1.}}', "line 1, column 35", ""),
    (b'{"configuration": {"batch_size": 0x10}}', "line 1, column 35", ""),
    (b'{"code_version": "1.0.0",}', "line 1, column 26", ""),
    (b'{"code_version": "1"} {}', "line 1, column 23", "extra data"),
    (b'{"code_version": "1\n0"}', "line 1, column 20", ""),
    (b'{"code_version": "\x00"}', "line 1, column 19", ""),
    (b'{"code_version": "\\x"}', "line 1, column 19", ""),
    (b'// no\n{"code_version": "1"}', "line 1, column 1", ""),
    (b'\xef\xbb\xbf{"code_version": "1"}', "line 1, column 1", ""),
    (b'{"code_version": "\xff"}', "line 1, column 19", "not UTF-8"),
    (b'{"a": 1,\n"code_version": "\xc3"}', "line 2, column 18", "not UTF-8"),
    ('{"code_version": "1"}'.encode("utf-16"), "line 1, column 1", "not UTF-8"),
    (b'{"code_version": "\\ud800"}', "line 1, column 19", "surrogate"),
    (b'{"a": "\\\\ud800",\n "code_version": "\\udc00"}', "line 2, column 19", "surrogate"),
    (b'{"labels": {"\\ud83d\\ude00": "\\ud83dx"}}', "line 1, column 30", "surrogate"),
    (b'{"unknown": 1, "code_version": ', "line 1, column 32", "ends too early"),
    (b"[" * 200, "line 1, column 201", "ends too early"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    async with running_app(tmp_path_factory.mktemp("app")) as running:
        await running.someone()
        yield running


@pytest.mark.parametrize("path", ["/deploy", "/deploy/abort", "/inventory/register"])
@pytest.mark.parametrize(("content", "place", "why"), MALFORMED)
async def test_no_json_is_400_says_where_and_changes_nothing(
    app: App, path: str, content: bytes, place: str, why: str
) -> None:
    before = await app.stored()
    response = await app.send("POST", path, content=content)
    assert response.status_code == 400, response.text
    assert response.headers["Content-Type"] == PROBLEM
    problem = response.json()
    assert problem["detail"].startswith(f"At {place}: ")
    assert why in problem["detail"]
    assert "errors" not in problem
    assert await app.stored() == before


DEEP = 100_000


@pytest.mark.parametrize(
    "content",
    [
        b"[" * DEEP + b"]" * DEEP,
        b'{"labels":' * (DEEP // 2) + b"{}" + b"}" * (DEEP // 2),
        b'{"a":' + b"[" * DEEP,
        b'{"labels":' * DEEP,
    ],
    ids=["arrays", "labels", "unfinished arrays", "unfinished labels"],
)
async def test_deep_nesting_is_refused_like_anything_else(app: App, content: bytes) -> None:
    before = await app.stored()
    for path in ("/deploy", "/deploy/pause", "/inventory/register"):
        response = await app.send("POST", path, content=content)
        assert response.status_code in ((413,) if path.endswith("register") else (400, 422))
        assert response.headers["Content-Type"] == PROBLEM
        assert len(response.text) < 1000
    assert await app.stored() == before


REPEATED = [
    (b'{"code_version": "1", "labels": {}, "code_version": "2"}', "code_version"),
    (b'{"code_version": "1", "labels": {"a": "1", "a": "1"}}', "labels.a"),
    (
        b'{"code_version": "1", "labels": {}, "configuration": {"batch_size": 1, "batch_size": 99}}',
        "configuration.batch_size",
    ),
    (b'{"code_version": "1", "labels": {"a": "1", "\\u0061": "2"}}', "labels.a"),
]


@pytest.mark.parametrize(("content", "field"), REPEATED)
async def test_a_field_given_twice_is_422(app: App, content: bytes, field: str) -> None:
    before = await app.stored()
    response = await app.send("POST", "/deploy", content=content)
    assert response.status_code == 422
    assert response.json()["errors"] == [{"field": field, "message": "is given more than once"}]
    assert await app.stored() == before


async def test_the_size_of_a_body_is_limited_to_a_mebibyte(app: App) -> None:
    before = await app.stored()
    limit = 1024 * 1024
    for path in ("/deploy", "/deploy/pause"):
        over = await app.send("POST", path, content=b"{}" + b" " * (limit - 1))
        assert over.status_code == 413
        assert over.headers["Content-Type"] == PROBLEM
        assert "1,048,576" in over.json()["detail"]
        within = await app.send("POST", path, content=b"{}" + b" " * (limit - 2))
        assert within.status_code in (404, 422)
    assert (await app.send("PATCH", "/inventory/instances/web-1", content=b" " * (limit + 1))).status_code == 413
    assert await app.stored() == before


async def test_a_large_valid_body_is_taken(app: App) -> None:
    labels = {f"{number:02}" + "p" * 200 + "/" + "k" * 63: "v" * 63 for number in range(64)}
    body = {"instance": {"name": "large", "ip": "::1", "labels": labels}, "token": REGISTRATION}
    assert (await app.send("POST", "/inventory/register", body)).json()["instance"]["labels"] == labels
    assert (await app.send("DELETE", "/inventory/instances/large")).status_code == 204


@pytest.mark.parametrize(
    "content_type",
    [
        *("", "application/x-www-form-urlencoded", "text/plain", "application/json; charset=utf-8", "APPLICATION/JSON"),
        *(
            "multipart/form-data",
            "multipart/form-data; boundary=x",
            "application/msgpack",
            "application/xml",
            "nonsense",
        ),
        "application/merge-patch+json",
    ],
)
async def test_json_is_understood_whatever_its_sender_calls_it(app: App, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    content = json.dumps({"code_version": "2.0.0", "labels": {}}).encode()
    assert (await app.send("POST", "/deploy", content=content, headers=headers)).status_code == 201
    assert (
        await app.send("PATCH", "/inventory/instances/web-1", content=b'{"labels": {}}', headers=headers)
    ).is_success
    assert (await app.send("POST", "/deploy/abort", content=b'{"rollback": false}', headers=headers)).status_code == 200
    assert (await app.send("POST", "/deploy", content=b"{", headers=headers)).status_code == 400
