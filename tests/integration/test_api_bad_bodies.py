"""Bodies that break the schema, or JSON itself: refused with the field and the reason, and nothing is changed."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from support.app import OPERATOR, PROBLEM, REGISTRATION, App, running_app

pytestmark = pytest.mark.asyncio(loop_scope="module")
REGISTER = ("POST", "/inventory/register")
HEARTBEAT = ("PATCH", "/inventory/instances/web-1")
DEPLOY = ("POST", "/deploy")
HOSTNAME, VERSION, AMOUNT = (
    "hostname (RFC 1123)",
    "1 to 128 visible ASCII characters",
    "a percentage above 0 and at most 100 with at most two decimals",
)
LABEL_KEY, LABEL_VALUE, STATUS = "is not a label key", "is not a label value", "must be 0 (UNKNOWN), 1 (HEALTHY)"
SECONDS, UNKNOWN, LATER = "must be seconds, above 0", "is not a known field", "is not supported yet"


def instance(field: str, value: object) -> dict[str, object]:
    """Return a registration in which one field of the instance is something else."""
    return {"instance": {"name": "new", "ip": "192.0.2.9", "labels": {}, field: value}, "token": REGISTRATION}


def deploy(**fields: object) -> dict[str, object]:
    """Return a trigger with more fields."""
    return {"code_version": "2.0.0", "labels": {}, **fields}


def configured(field: str, value: object) -> dict[str, object]:
    """Return a trigger with one field of the configuration."""
    return deploy(configuration={field: value})


def without(body: dict[str, object], field: str) -> dict[str, object]:
    """Return a body without one field."""
    return {name: value for name, value in body.items() if name != field}


def each(*values: object) -> tuple[object, ...]:
    """Return values of different types as they are."""
    return values


BAD_NAMES: list[object] = [
    *("", "Web-1", "web_1", "-web", "web-", "web.", ".web", "web..1", "web 1", "web\n", "web-1\n", "wéb", "web\x00"),
    *("a" * 64, "a" * 63 + "." + "b" * 64, "*", "xn--\u3042", ".".join(["a" * 63] * 4), 1, None, True, [], {}),
]
BAD_IPS: list[object] = [
    *("", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4/24", "1.2.3.4\n", " 1.2.3.4", "01.2.3.4", ":::"),
    *("fe80::1%eth0", "[::1]", "1.2.3.4:80", "\x00", "1" * 46, 1, None, []),
]
BAD_VERSIONS: list[object] = [
    "",
    "a" * 129,
    "1 0",
    "1.0\n",
    "\n",
    "1\t0",
    "1\x00",
    "\x7f",
    "1.0é",
    "\u2028",
    " ",
    1,
    1.0,
    True,
    [],
    {},
]
BAD_AMOUNTS: list[object] = [
    *(1.5, True, False, None, [], {}, 1e3, "", "5", "0%", "00%", "0.0%", "0.00%", "100.001%", "100.01%", "101%", "abc"),
    *("-1%", "+5%", "5 %", " 5%", "5%\n", "5%%", "1e1%", "0.001%", ".5%", "\uff15%", "1,5%", "999%"),
]
BAD_LABELS: list[tuple[object, str, str]] = [
    ({f"k{number}": "" for number in range(65)}, "", "at most 64 entries"),
    ({"": "x"}, ".", LABEL_KEY),
    ({"-a": "x"}, ".-a", LABEL_KEY),
    ({"a b": "x"}, ".a b", LABEL_KEY),
    ({"a" * 64: "x"}, "." + "a" * 64, LABEL_KEY),
    ({"a/b/c": "x"}, ".a/b/c", LABEL_KEY),
    ({"Example.com/a": "x"}, ".Example.com/a", LABEL_KEY),
    ({"p" * 254 + "/a": "x"}, "." + "p" * 254 + "/a", LABEL_KEY),
    ({"é": "x"}, ".é", LABEL_KEY),
    ({"a\n": "x"}, ".a\n", LABEL_KEY),
    ({"a": "x\n"}, ".a", LABEL_VALUE),
    ({"a": "x y"}, ".a", LABEL_VALUE),
    ({"a": "-x"}, ".a", LABEL_VALUE),
    ({"a": "x" * 64}, ".a", LABEL_VALUE),
    ({"a": "\x00"}, ".a", LABEL_VALUE),
    ({"a": None}, "", "values are strings"),
    ({"a": 1}, "", "values are strings"),
    ({"a": ["x"]}, "", "values are strings"),
    ({"a": {"b": "c"}}, "", "values are strings"),
    *((value, "", "must be an object") for value in (None, "a=b", ["a"], 1, True)),
]
BAD_POLICIES: list[tuple[str, object, str]] = [
    *(("waves", value, "must be a list of counts or percentages") for value in each("1,10%", 1, None, {}, True)),
    ("waves", list(range(1, 102)), "at most 100 entries"),
    *(("waves", value, "must grow from wave to wave") for value in each([5, 3], [2, 2], ["20%", 1, "10%"])),
    *(("wave_pause", value, 'seconds, from 0 to 31,536,000, or "manual"') for value in each("300", "auto", None, [])),
    ("wave_pause", -1, "must be at least 0"),
    ("wave_pause", 31_536_001, "at most 31,536,000"),
    *(("min_healthy_time", value, "must be seconds, from 0") for value in each("10", None, True, [])),
    ("min_healthy_time", -0.1, "must be at least 0"),
    *(("min_healthy_time", value, "must be under update_timeout (600)") for value in each(600, 600.0, 31_536_000)),
    *(("deadline", value, SECONDS) for value in each("3600", True, [])),
    *(("deadline", value, "above 0") for value in each(0, -1)),
    *(("max_unavailable", value, AMOUNT) for value in BAD_AMOUNTS if value is not None),
    ("max_unavailable", 0, "must be at least 1"),
    *(("spread_by", value, "must be the key of a label") for value in each("", "-zone", "a b", "a/b/c", 1, ["zone"])),
    *(("retries", value, "must be a whole number from 0 to 100") for value in each(1.5, "1", None, True)),
    *(("retries", value, "must be at") for value in each(-1, 101)),
    *(("order", value, 'must be "name" or "shuffle"') for value in each("random", "Name", None, 1)),
]
NEW_FIELDS = tuple(dict.fromkeys(field for field, *_ in BAD_POLICIES))
Case = tuple[tuple[str, str], Any, str, str]
CASES: list[Case] = [
    *((REGISTER, instance("name", value), "instance.name", HOSTNAME) for value in BAD_NAMES),
    *((REGISTER, instance("ip", value), "instance.ip", "address") for value in BAD_IPS),
    *((REGISTER, instance("labels", value), f"instance.labels{at}", why) for value, at, why in BAD_LABELS),
    *((HEARTBEAT, {"labels": value}, f"labels{at}", why) for value, at, why in BAD_LABELS),
    *((DEPLOY, deploy(labels=value), f"labels{at}", why) for value, at, why in BAD_LABELS),
    *(
        (DEPLOY, without(deploy(lables=value), "labels"), f"lables{at}", why)
        for value, at, why in BAD_LABELS
        if value != {"a": 1}
    ),
    *((DEPLOY, deploy(code_version=value), "code_version", VERSION) for value in (*BAD_VERSIONS, None)),
    *((DEPLOY, deploy(configuration_version=value), "configuration_version", VERSION) for value in BAD_VERSIONS),
    *((HEARTBEAT, {"code_version": value}, "code_version", VERSION) for value in BAD_VERSIONS),
    *((HEARTBEAT, {"configuration_version": value}, "configuration_version", VERSION) for value in BAD_VERSIONS),
    *((DEPLOY, configured("batch_size", value), "configuration.batch_size", AMOUNT) for value in BAD_AMOUNTS),
    *(
        (DEPLOY, configured("failure_threshold", value), "configuration.failure_threshold", AMOUNT)
        for value in BAD_AMOUNTS
    ),
    *(
        (DEPLOY, configured(field, value), f"configuration.{field}", bound)
        for field in ("batch_size", "failure_threshold")
        for value, bound in ((0, "must be at least 1"), (-1, "must be at least 1"), (1_000_001, "at most 1,000,000"))
    ),
    (DEPLOY, configured("batch_size", 10**30), "configuration.batch_size", "at most 1,000,000"),
    *(
        (DEPLOY, configured("update_timeout", value), "configuration.update_timeout", "above 0")
        for value in each(0, -1, -0.5)
    ),
    (DEPLOY, configured("update_timeout", 31_536_001), "configuration.update_timeout", "at most 31,536,000"),
    (DEPLOY, configured("update_timeout", 10**400), "configuration.update_timeout", SECONDS),
    *(
        (DEPLOY, configured("update_timeout", value), "configuration.update_timeout", SECONDS)
        for value in each("600", "10m", None, True, [], {})
    ),
    *(
        (DEPLOY, configured("auto_rollback", value), "configuration.auto_rollback", "must be true or false")
        for value in each("true", 1, 0, None, [])
    ),
    *((DEPLOY, configured(field, value), f"configuration.{field}", why) for field, value, why in BAD_POLICIES),
    *(
        (DEPLOY, deploy(condiguration={field: value}), f"condiguration.{field}", why)
        for field, value, why in BAD_POLICIES
        if field != "max_unavailable"
    ),
    *((DEPLOY, configured("waves", [1, value]), "configuration.waves[1]", AMOUNT) for value in BAD_AMOUNTS),
    (DEPLOY, configured("waves", [0]), "configuration.waves[0]", "must be at least 1"),
    *((DEPLOY, deploy(**{field: 1}), field, UNKNOWN) for field in NEW_FIELDS),
    (DEPLOY, configured("batchsize", 2), "configuration.batchsize", UNKNOWN),
    (DEPLOY, deploy(code_versoin="1"), "code_versoin", "known: code_version, configuration_version"),
    (DEPLOY, deploy(condiguration={"batch_size": 0}), "condiguration.batch_size", "must be at least 1"),
    *(
        (DEPLOY, deploy(configuration=value), "configuration", "must be an object")
        for value in each(None, [], "x", 1, True)
    ),
    *(
        (DEPLOY, deploy(selector=value), "selector", "must be a label selector")
        for value in each(None, [], {}, 1, "x" * 10_001)
    ),
    *(
        (DEPLOY, deploy(selector=value), "selector", LABEL_KEY)
        for value in each("a in (", "a b", ",", "a,,b", "=x", "!", "\x00", "a)")
    ),
    *((DEPLOY, deploy(selector=value), "selector", LABEL_VALUE) for value in each("a=-", "a in (x,-)", "a=é")),
    (DEPLOY, {"code_version": "1", "selector": ""}, "selector", '"labels": {}'),
    (DEPLOY, {"code_version": "1", "selector": "  "}, "selector", '"labels": {}'),
    (DEPLOY, {"labels": {}}, "code_version", "or configuration_version"),
    (DEPLOY, {"code_version": "1"}, "labels", "or selector"),
    (DEPLOY, deploy(lables={}), "lables", "another spelling of labels"),
    (DEPLOY, deploy(configuration={}, condiguration={}), "condiguration", "another spelling of configuration"),
    (REGISTER, without(instance("name", "new"), "instance"), "instance", "is needed"),
    (REGISTER, {"instance": {"ip": "::1"}, "token": REGISTRATION}, "instance.name", "is needed"),
    (REGISTER, {"instance": {"name": "new"}, "token": REGISTRATION}, "instance.ip", "is needed"),
    *(
        (REGISTER, {**instance("name", "new"), "token": value}, "token", "1 to 1,024 characters")
        for value in each(None, 1)
    ),
    *(
        (REGISTER, {**instance("name", "new"), "instance": value}, "instance", "must be an object")
        for value in each(None, [], "web", 1)
    ),
    (REGISTER, instance("role", "web"), "instance.role", UNKNOWN),
    (REGISTER, {**instance("name", "new"), "tokn": "x"}, "tokn", UNKNOWN),
    (REGISTER, {**instance("name", "new"), "identity": "eyJ"}, "identity", LATER),
    *(
        (HEARTBEAT, {"status": value}, "status", STATUS)
        for value in each(None, -1, 4, 1.0, "1", "HEALTHY", True, [], 10**30)
    ),
    *((HEARTBEAT, {"observed": value}, "observed", "whole number from 0") for value in each(None, 1.5, "1", True, [])),
    *((HEARTBEAT, {"observed": value}, "observed", "must be at") for value in each(-1, 2**53 + 1, 10**30)),
    *(
        (HEARTBEAT, {"message": value}, "message", "2,000 characters")
        for value in each(None, "x" * 2001, "a\x00b", 1, [])
    ),
    (HEARTBEAT, {"generation": 1}, "generation", UNKNOWN),
    (HEARTBEAT, {"Status": 1}, "Status", UNKNOWN),
    *(
        (("POST", f"/deploy/{action}"), {"x": 1}, "x", UNKNOWN)
        for action in ("progress", "pause", "resume", "promote", "rollback", "abort")
    ),
    *(
        (("POST", "/deploy/abort"), {"rollback": value}, "rollback", "true or false")
        for value in each(None, 1, "false", [])
    ),
    *(
        (route, value, "", "must be a JSON object")
        for route in (REGISTER, HEARTBEAT, DEPLOY)
        for value in each([], "x", 1, None, True)
    ),
    (("POST", "/deploy/pause"), [], "", "must be a JSON object"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    async with running_app(tmp_path_factory.mktemp("app")) as running:
        await running.someone()
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def credential(app: App) -> str:
    response = await app.send("DELETE", "/inventory/instances/web-1")
    assert response.status_code == 204
    return await app.register("web-1", env="production")


@pytest.mark.parametrize(("route", "body", "field", "message"), CASES)
async def test_a_bad_body_is_422_names_the_field_and_changes_nothing(
    app: App, credential: str, route: tuple[str, str], body: Any, field: str, message: str
) -> None:
    before = await app.stored()
    who = credential if route == HEARTBEAT and field.partition(".")[0] != "labels" else OPERATOR
    response = await app.send(*route, content=json.dumps(body).encode(), credential=who)
    assert response.status_code == 422, response.text
    assert response.headers["Content-Type"] == PROBLEM
    errors = response.json()["errors"]
    assert (errors[0]["field"], len(errors)) == (field, 1)
    assert message in errors[0]["message"]
    assert "`" not in errors[0]["message"], "in words, not in types"
    assert await app.stored() == before


async def test_everything_that_is_wrong_across_fields_is_said_at_once(app: App) -> None:
    body = {"lables": {"-": ""}, "labels": {"a": " "}, "configuration": {}, "condiguration": {}}
    errors = (await app.send("POST", "/deploy", body)).json()["errors"]
    assert [each["field"] for each in errors] == ["lables", "condiguration", "labels.a", "lables.-", "code_version"]


GOOD = [
    *(
        instance("name", name)
        for name in ("a", "0", "a-b.c0", "a" * 63, ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61]))
    ),
    *(instance("ip", ip) for ip in ("0.0.0.0", "255.255.255.255", "::", "2001:db8::1", "::ffff:192.0.2.1")),
    instance("labels", {f"k{number}": "" for number in range(64)}),
    instance("labels", {"example.com/a": "x" * 63, "A_b.c-d": "X.y_z-0", "p" * 63 + "/" + "k" * 63: ""}),
]


@pytest.mark.parametrize("body", GOOD)
async def test_what_is_just_within_the_limits_is_accepted(app: App, body: dict[str, Any]) -> None:
    response = await app.send("POST", "/inventory/register", body, credential=None)
    assert response.status_code == 201, response.text
    assert (await app.send("DELETE", f"/inventory/instances/{body['instance']['name']}")).status_code == 204


@pytest.mark.parametrize(
    "body",
    [
        *(deploy(code_version=version) for version in ("!", "~", "a" * 128, "1.0.0+build/5:x@y", '"', "\\")),
        *(
            configured(field, value)
            for field in ("batch_size", "failure_threshold")
            for value in (1, 1_000_000, "0.01%", "100%")
        ),
        *(configured(field, value) for field in ("update_timeout", "deadline") for value in (0.001, 1, 31_536_000)),
        *(configured("waves", value) for value in ([], [1], [1, "10%", 50, "50%"], list(range(1, 101)))),
        *(configured("wave_pause", value) for value in (0, 0.5, 31_536_000, "manual")),
        *(configured("min_healthy_time", value) for value in (0, 599.9)),
        *(configured("max_unavailable", value) for value in (None, 1, 1_000_000, "0.01%", "100%")),
        *(configured("spread_by", value) for value in (None, "zone", "example.com/zone")),
        *(configured("retries", value) for value in (0, 100)),
        *(configured("order", value) for value in ("name", "shuffle")),
        configured("deadline", None),
        deploy(configuration={"min_healthy_time": 600, "update_timeout": 600.5}),
    ],
)
async def test_triggers_just_within_the_limits_are_accepted(app: App, credential: str, body: dict[str, Any]) -> None:
    response = await app.send("POST", "/deploy", body)
    assert response.status_code == 201, response.text
    assert (await app.send("POST", "/deploy/abort")).status_code == 200
