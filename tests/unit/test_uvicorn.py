"""What dides uses of uvicorn's internals is still there: names are read from our classes, and looked up in uvicorn.

pyproject.toml bounds uvicorn above. When the bound is raised, this file says what has moved.
"""

import ast
import inspect
import textwrap
import tomllib
from collections.abc import AsyncIterator, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from dides import server
from support.hand_wire import Echo, HandWire

ROOT = Path(__file__).parents[2]
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
OF_UVICORN = ("cycle", "flow", "server_state", "config")
"""The attributes of a connection that are uvicorn's own objects; its transport, loop and parser are not."""


def subclasses(base: type) -> list[type]:
    """Return the classes of dides below a class of uvicorn, without those that are made per server."""
    children: list[type] = base.__subclasses__()
    found = [below for child in children for below in (child, *subclasses(child))]
    return [below for below in found if below.__module__.startswith("dides.") and "<locals>" not in below.__qualname__]


CONNECTIONS = subclasses(HttpToolsProtocol)
SERVERS = subclasses(uvicorn.Server)


def tree_of(described: type) -> ast.AST:
    return ast.parse(textwrap.dedent(inspect.getsource(described)))


def attributes(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield (`x`, `name`) for each `x.name` in the code, where `x` is a variable, an attribute of self, or `super`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            match node.value:
                case ast.Name(id=owner) | ast.Attribute(value=ast.Name(id="self"), attr=owner):
                    yield owner, node.attr
                case ast.Call(func=ast.Name(id="super")):
                    yield "super", node.attr


def own_names(described: type) -> set[str]:
    """Return what dides itself defines in a class and in its bases: methods, slots and annotated attributes."""
    ours = [base for base in described.__mro__ if base.__module__.startswith("dides.")]
    assigned = {
        node.attr
        for base in ours
        for node in ast.walk(tree_of(base))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and node.attr.startswith("_")
    }
    return assigned.union(*(vars(base) for base in ours), *(inspect.get_annotations(base) for base in ours))


def used_of_base(described: type) -> set[str]:
    """Return the names that a class takes from uvicorn's class: super().name, and self.name that is not its own."""
    used = set(attributes(tree_of(described)))
    own, below = own_names(described), own_names(described.__mro__[1])
    not_own = {name for owner, name in used if owner == "self" and name not in own}
    return not_own | {name for owner, name in used if owner == "super" and name not in below} - {"__init__"}


@pytest.fixture
async def connection() -> AsyncIterator[HttpToolsProtocol]:
    """Yield uvicorn's own connection, in the middle of a request, with another one behind it."""
    app = Echo()
    app.go.clear()
    wire = HandWire(app, HttpToolsProtocol)
    wire.send(GET + GET)
    yield wire.served
    app.go.set()
    await wire.answered(2)


def test_the_classes_are_found() -> None:
    assert {"Bounded", "Timed"} < {found.__name__ for found in CONNECTIONS}
    assert SERVERS


@pytest.mark.parametrize("described", CONNECTIONS, ids=lambda found: found.__name__)
async def test_a_connection_uses_names_that_uvicorn_has(described: type, connection: HttpToolsProtocol) -> None:
    used = used_of_base(described)
    assert used
    assert {name for name in used if not hasattr(connection, name)} == set()


@pytest.mark.parametrize("described", CONNECTIONS, ids=lambda found: found.__name__)
async def test_a_connection_uses_uvicorns_objects_as_they_are(described: type, connection: HttpToolsProtocol) -> None:
    used = {(owner, name) for owner, name in attributes(tree_of(described)) if owner in OF_UVICORN}
    assert {f"{owner}.{name}" for owner, name in used if not hasattr(getattr(connection, owner), name)} == set()


@pytest.mark.parametrize("described", CONNECTIONS, ids=lambda found: found.__name__)
async def test_no_slot_hides_an_attribute_of_uvicorn(described: type, connection: HttpToolsProtocol) -> None:
    assert set(vars(connection)) & set(vars(described)["__slots__"]) == set()


@pytest.mark.parametrize("described", CONNECTIONS, ids=lambda found: found.__name__)
def test_methods_take_what_uvicorns_take(described: type) -> None:
    """An override with other parameters would fail only when a request comes."""
    for name, method in inspect.getmembers(described, inspect.isfunction):
        replaced = getattr(HttpToolsProtocol, name, None)
        if name in vars(described) and replaced is not None and name != "__init__":
            assert list(inspect.signature(method).parameters) == list(inspect.signature(replaced).parameters), name


async def test_the_server_uses_names_that_uvicorn_has() -> None:
    """What a server has once it has started: it is told to leave before, so that it serves nobody."""
    plain = uvicorn.Server(uvicorn.Config(Echo(), lifespan="off", log_config=None))
    plain.should_exit = True
    await plain.serve(sockets=[])
    for described in SERVERS:
        assert {name for name in used_of_base(described) if not hasattr(plain, name)} == set()
    assert plain.servers == []
    assert hasattr(plain.lifespan, "state")
    assert hasattr(plain.config, "http_protocol_class")


def test_uvicorn_calls_what_is_put_in_its_place() -> None:
    """Nothing fails when an override is not called any more: its rule is then not kept."""
    connection_calls = set(attributes(tree_of(HttpToolsProtocol)))
    server_calls = set(attributes(tree_of(uvicorn.Server)))
    assert {("self", "_start_asgi_task"), ("self", "timeout_keep_alive_handler")} <= connection_calls
    assert {("self", "on_response_complete"), ("self", "_unset_keepalive_if_required")} <= connection_calls
    assert {("self", "capture_signals"), ("self", "startup"), ("connection", "shutdown")} <= server_calls


def test_the_acceptor_has_what_uvicorn_wants_of_a_server() -> None:
    wanted = {name for owner, name in attributes(tree_of(uvicorn.Server)) if owner == "server" and name != "sockets"}
    assert wanted == {"close", "wait_closed"}
    assert {name for name in wanted if not hasattr(vars(server)["Acceptor"], name)} == set()


async def test_a_request_that_waits_stands_in_the_pipeline_newest_first(connection: Any) -> None:
    cycle, app = connection.pipeline[0]
    assert cycle is connection.cycle
    assert not cycle.response_complete
    assert callable(app)


def test_status_lines_are_whole_lines() -> None:
    assert STATUS_LINE[429] == b"HTTP/1.1 429 Too Many Requests\r\n"


def test_uvicorn_is_bounded_above_by_the_next_minor_version() -> None:
    """Its connection is no public interface: each minor version is tried before it is allowed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    bound = next(line for line in project["project"]["optional-dependencies"]["server"] if line.startswith("uvicorn"))
    major, minor, _ = version("uvicorn").split(".")
    assert bound == f"uvicorn>={major}.{minor},<{major}.{int(minor) + 1}"
