"""The OpenAPI document: routes as Litestar draws them, messages as msgspec checks them.

Litestar's own drawing of message types leaves out limits of unions and mappings, and that unknown fields are refused.
"""

import inspect
from collections.abc import Iterator
from typing import Any

import msgspec
from litestar import Litestar, Request
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.routes import HTTPRoute

from dides.api.deploy_request import LONGEST_KEY
from dides.api.routes.sse import ID_PATTERN
from dides.protocol import action_preview, forecast, messages, queries
from dides.protocol.fields import LARGEST, Name

Node = dict[str, Any]
REFERENCE = "#/components/schemas/{name}"
MAY_BE_EMPTY = ("AbortRequest", "ActionRequest", "Heartbeat")
PARAMETERS = {
    "name": ("The instance.", msgspec.json.schema(Name)),
    "id": ("The deployment.", {"type": "integer", "minimum": 1, "maximum": LARGEST}),
    "Idempotency-Key": (
        "Makes repeating this request safe: for 24 hours the same key and body answer with the same deployment.",
        {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
    ),
    "Last-Event-ID": ("Of a stream: the id of the event to go on after.", {"type": "string", "pattern": ID_PATTERN}),
}
HEADERS = {
    "Location": {"description": "Where the deployment is.", "schema": {"type": "string"}},
    "X-Request-ID": {
        "description": "What the log knows the request by; the sender's own, where it sent one.",
        "schema": {"type": "string"},
    },
}
LOCATED = {("deploy", "200"), ("deploy", "201"), ("rollback", "201")}
TOGETHER: Node = {
    # What the message type alone cannot say.
    "DeployRequest": {
        "allOf": [
            {"anyOf": [{"required": ["code_version"]}, {"required": ["configuration_version"]}]},
            {"anyOf": [{"required": ["labels"]}, {"required": ["lables"]}, {"required": ["selector"]}]},
            {"not": {"required": ["labels", "lables"]}},
            {"not": {"required": ["configuration", "condiguration"]}},
        ]
    }
}


class Document(JsonRenderPlugin):
    """Serves the document, drawn once."""

    def __init__(self, extra: tuple[type[msgspec.Struct], ...]) -> None:
        """Serve at /schema and below; `extra` are answers that are no messages of the wire contract."""
        super().__init__(path=["/openapi.json", "/"])
        self._extra = extra
        self._drawn: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: Node) -> bytes:
        """Return the document as JSON."""
        if self._drawn is None:
            self._drawn = msgspec.json.encode(complete(request.app, openapi_schema, self._extra))
        return self._drawn


def complete(app: Litestar, drawn: Node, extra: tuple[type[msgspec.Struct], ...]) -> Node:
    """Return what Litestar has drawn of an application, with the messages and parameters as they are checked."""
    modules = (messages, forecast, action_preview)
    classes = (member for module in modules for member in inspect.getmembers(module, inspect.isclass))
    known = {name: message for name, message in classes if _is_message(message)}
    used = [known[name] for name in drawn["components"]["schemas"] if name in known]
    _, schemas = msgspec.json.schema_components([*used, *extra], ref_template=REFERENCE)
    schemas = {name: {**schema, **TOGETHER.get(name, {})} for name, schema in sorted(schemas.items())}
    document = {**drawn, "components": {**drawn["components"], "schemas": schemas, "headers": HEADERS}}
    for path, method, handler in _handlers(app):
        if operation := document["paths"].get(path, {}).get(method):
            _complete_operation(operation, handler, schemas)
    portable: Node = _portable(document)
    return portable


def _is_message(message: type) -> bool:
    return issubclass(message, messages.Request | messages.Answer)


def _handlers(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    """Yield the handlers with their paths and methods."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                for method in handler.http_methods:
                    yield route.path_format, method.lower(), handler


def _complete_operation(operation: Node, handler: HTTPRouteHandler, schemas: Node) -> None:
    operation["operationId"] = handler.handler_name
    operation["parameters"] = [*_parameters(operation, handler)]
    # Litestar's own answer to bad parameters, which is not what is given here.
    if "application/json" in operation["responses"].get("400", {}).get("content", {}):
        del operation["responses"]["400"]
    for status, response in operation["responses"].items():
        names = ["X-Request-ID", *(["Location"] if (handler.handler_name, status) in LOCATED else [])]
        response["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    if body := operation.get("requestBody"):
        _complete_body(body)
    success = operation["responses"][str(handler.status_code)]
    if described := _referred(success, schemas):
        success["description"] = described["description"]


def _parameters(operation: Node, handler: HTTPRouteHandler) -> Iterator[Node]:
    for parameter in operation.get("parameters", []):
        description, schema = PARAMETERS[parameter["name"]]
        yield {**parameter, "description": description, "schema": schema}
    query = handler.parsed_fn_signature.parameters.get("parameters")
    schema = msgspec.json.schema(queries.NoQuery if query is None else query.annotation)
    for name, field in _definition(schema, schema)["properties"].items():
        plain = _definition(field, schema)
        yield {"name": name, "in": "query", "required": False, "description": plain.pop("description"), "schema": plain}


def _definition(node: Node, schema: Node) -> Node:
    """Return a node of a schema with what it refers to in its place."""
    if "$ref" not in node:
        return dict(node)
    referred = schema["$defs"][node["$ref"].rpartition("/")[2]]
    return {**referred, **{key: value for key, value in node.items() if key != "$ref"}}


def _complete_body(body: Node) -> None:
    content = body["content"]["application/json"]
    schema = content["schema"]
    reference = schema["allOf"][0] if "allOf" in schema else schema
    name = reference["$ref"].rpartition("/")[2]
    content["schema"] = reference
    content["examples"] = {"usual": {"value": schema.get("examples", [{}])[0]}}
    body["required"] = name not in MAY_BE_EMPTY


def _referred(response: Node, schemas: Node) -> Node | None:
    content = response.get("content", {}).get("application/json")
    schema: Node = content["schema"] if content else {}
    reference = schema.get("$ref") or next(iter(schema.get("oneOf", [{}]))).get("$ref", "")
    return schemas.get(reference.rpartition("/")[2])


def _portable(node: Any) -> Any:
    r"""Return a document with patterns as JSON Schema has them (`$`, not `\Z`), and enumerations with a type."""
    if isinstance(node, dict):
        portable = {
            key: value.replace(r"\Z", "$") if key == "pattern" and isinstance(value, str) else _portable(value)
            for key, value in node.items()
        }
        if values := node.get("enum"):
            portable["type"] = "integer" if isinstance(values[0], int) else "string"
        return portable
    return [_portable(item) for item in node] if isinstance(node, list) else node
