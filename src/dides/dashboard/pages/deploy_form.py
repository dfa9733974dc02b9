"""The form for a deployment: its fields, and what is typed into them as the body of POST /deploy.

What fields are called, which values they take and what they mean is the wire's: it is taken from the message, and the
body is decoded as the API decodes it. This file knows only how people type objects and lists.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, Protocol

import msgspec
from msgspec import UNSET

from dides.model.errors import FieldError, InvalidError, MalformedError
from dides.model.policy import Amount
from dides.protocol.decode import decode
from dides.protocol.messages import Configuration, Deployment, DeployRequest
from dides.protocol.settings import Kind, settings
from dides.protocol.text_values import amount_in, number_in, number_text

EVERYTHING = "everything"
"""The one field that the wire does not have: the whole fleet, which is `labels` of {} there."""
WHAT = ("code_version", "configuration_version")
WHERE = ("labels", "selector", EVERYTHING)
PACE = ("batch_size", "failure_threshold", "waves", "wave_pause", "auto_rollback")
RARE = tuple(name for name in Configuration.__struct_fields__ if name not in PACE)
NAMES = (*WHAT, *WHERE, *PACE, *RARE)
DEFAULTS = msgspec.to_builtins(Configuration())
YES, NO = "true", "false"
LONGEST_TEXT = 32_000
"""Characters in a field; all the labels that a selector may have are fewer."""
_TOO_LONG = f"must have at most {LONGEST_TEXT:,} characters"
_BETWEEN = re.compile(r"[,\s]+")
_NULL = ", or null"
"""What follows says what null would mean, which nobody can type: a field is left empty."""

IN_FORM = {
    "is needed, or configuration_version, or both": "a code version, a configuration version, or both",
    "is needed, or selector; {} means the whole fleet": "which instances: labels, a selector, or the whole fleet",
    "matches no instance; list what there is with GET /inventory/instances": "matches no instance: see the fleet",
}
"""What the API says where it speaks of JSON or of requests, and what a form says instead."""


class Pairs(Protocol):
    """What a form or a query string is read as."""

    def multi_items(self) -> Iterable[tuple[str, Any]]:
        """Return names and values, those of a repeated name in their order."""
        ...


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field of the form."""

    name: str
    label: str
    help: str
    example: str
    default: str
    choices: tuple[str, ...] = ()
    """All that may be chosen; none where anything may be typed."""
    switch: bool = False


class Typed(msgspec.Struct, frozen=True):
    """What is typed, as the body of a request, and decoded."""

    body: bytes
    request: DeployRequest


@cache
def fields() -> dict[str, Field]:
    """Return the fields by name, as the schema of the message describes them."""
    schema = msgspec.json.schema(DeployRequest)["$defs"]
    described = {**schema["DeployRequest"]["properties"], **schema["Configuration"]["properties"]}
    found = {name: _field(name, described[name], schema) for name in NAMES if name != EVERYTHING}
    whole = Field(name=EVERYTHING, label="The whole fleet", help="", example="", default=NO, switch=True)
    return {**found, EVERYTHING: whole}


def texts_in(form: Pairs) -> dict[str, str]:
    """Return what is typed into the fields of a form, or given in a query string; of a repeated one the last."""
    return {name: str(value).strip() for name, value in form.multi_items() if name in NAMES}


def read(texts: Mapping[str, str]) -> Typed:
    """Return the request that is typed. InvalidError, with the paths of the wire; see `in_form`.

    What is empty, or as it would be anyway, is left out.
    """
    if long := [FieldError(name, _TOO_LONG) for name, text in texts.items() if len(text) > LONGEST_TEXT]:
        raise InvalidError(*long)
    given = {name: _READ.get(name, str)(text) for name, text in texts.items() if text}
    everything = given.pop(EVERYTHING, NO) == YES
    if everything and not given.keys().isdisjoint(("labels", "selector")):
        raise InvalidError(FieldError(EVERYTHING, "means every instance: leave labels and selector empty"))
    body = {name: given[name] for name in (*WHAT, "labels", "selector") if name in given}
    if everything:
        body["labels"] = {}
    configuration = {
        name: given[name] for name in (*PACE, *RARE) if name in given and not _is_default(name, given[name])
    }
    if configuration:
        body["configuration"] = configuration
    encoded = json.dumps(body, allow_nan=False).encode()
    return Typed(encoded, decode(encoded, DeployRequest))


def texts_in_body(body: bytes) -> dict[str, str]:
    """Return the texts that a person types for the request in a body; none where the body holds no request."""
    try:
        asked = decode(body, DeployRequest)
    except (InvalidError, MalformedError):
        return {}
    said = {name: value for name, value in msgspec.structs.asdict(asked).items() if value is not UNSET}
    configuration = msgspec.to_builtins(said.pop("configuration", Configuration()))
    whole = {"labels": {}, "selector": None, **said}
    return _texts({name: whole.get(name) for name in (*WHAT, "labels", "selector")}, configuration)


def texts_of(deployment: Deployment) -> dict[str, str]:
    """Return the texts that a person types for a deployment like this one; defaults are left out."""
    asked = {name: getattr(deployment, name) for name in (*WHAT, "labels", "selector")}
    return _texts(asked, msgspec.to_builtins(deployment.configuration))


def _texts(asked: Mapping[str, object], configuration: Mapping[str, object]) -> dict[str, str]:
    values: dict[str, object] = {
        **asked,
        EVERYTHING: not asked["labels"] and not asked["selector"],
        **{name: value for name, value in configuration.items() if not _is_default(name, value)},
    }
    texts = {name: _text(value) for name, value in values.items() if value is not None}
    return {name: text for name, text in texts.items() if text and (name, text) != (EVERYTHING, NO)}


def in_form(errors: Iterable[FieldError]) -> dict[str, str]:
    """Return what is wrong by field of the form; "" for what is about none of them."""
    found: dict[str, str] = {}
    for error in errors:
        found.setdefault(_field_at(error.field), in_words(error.message))
    return found


def in_words(message: str) -> str:
    """Return what a refusal says of a field as a form says it."""
    return IN_FORM.get(message, message.partition(_NULL)[0])


def is_missing(error: FieldError) -> bool:
    """Tell whether something is not typed yet, rather than wrong."""
    return error.message.startswith("is needed")


def _field_at(path: str) -> str:
    name = re.split(r"[.\[]", path.removeprefix("configuration."))[0]
    return name if name in NAMES else ""


def _field(name: str, described: Mapping[str, object], schema: Mapping[str, Mapping[str, object]]) -> Field:
    enum = schema.get(str(described.get("$ref", "")).rpartition("/")[2], {}).get("enum", ())
    examples = described.get("examples")
    return Field(
        name=name,
        label=name.replace("_", " ").capitalize(),
        help=str(described.get("description", "")).replace("null:", "empty:"),
        example=_text(examples[0]) if isinstance(examples, list) else "",
        default=_text(DEFAULTS.get(name)),
        choices=tuple(enum) if isinstance(enum, list | tuple) else (),
        switch=described.get("type") == "boolean",
    )


def _text(value: object) -> str:
    """Return a value as one types it."""
    match value:
        case None:
            return ""
        case bool():
            return YES if value else NO
        case float():
            return number_text(value)
        case list() | tuple():
            return ", ".join(map(_text, value))
        case dict():
            return ", ".join(f"{key}={item}" for key, item in value.items())
        case _:
            return str(value)


def _is_default(name: str, value: object) -> bool:
    return bool(DEFAULTS[name] == value)


def _labels(text: str) -> dict[str, str]:
    labels: dict[str, str] = {}
    # Blanks around it mean nothing.
    for part in _parts("=".join(part.strip() for part in text.split("="))):
        key, separator, value = part.partition("=")
        if not separator:
            raise InvalidError(FieldError("labels", f"{part!r} is not KEY=VALUE, such as env=production"))
        if labels.setdefault(key, value) != value:
            raise InvalidError(FieldError("labels", f"{key} cannot be {labels[key]} and {value} at once"))
    return labels


def _amounts(text: str) -> tuple[Amount, ...]:
    return tuple(amount_in(part) for part in _parts(text))


def _parts(text: str) -> list[str]:
    return [part for part in _BETWEEN.split(text) if part]


def _seconds(text: str) -> float | str:
    number = number_in(text)
    # JSON has no other numbers; as a text it is refused with what is wanted.
    return number if isinstance(number, float) and math.isfinite(number) else text


def _switch(text: str) -> object:
    return {YES: True, NO: False}.get(text, text)


_READ_KIND: Mapping[Kind, Callable[[str], object]] = {
    Kind.AMOUNT: amount_in,
    Kind.AMOUNTS: _amounts,
    Kind.SECONDS: _seconds,
    Kind.SECONDS_OR_WORD: _seconds,
    Kind.NUMBER: amount_in,
    Kind.TEXT: str,
    Kind.CHOICE: str,
    Kind.SWITCH: _switch,
}
_READ: Mapping[str, Callable[[str], object]] = {
    "labels": _labels,
    **{name: _READ_KIND[setting.kind] for name, setting in settings().items()},
}
"""How the text of a field is read, where the wire has no text there."""
