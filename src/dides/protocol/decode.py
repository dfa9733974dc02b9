"""Strict decoding of requests: what is wrong is said by field, in words."""

import ipaddress
from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

import msgspec
from msgspec import UNSET

from dides.model.errors import FieldError, InvalidError, MalformedError, RefusedError
from dides.model.labels import RESERVED_PREFIX, is_reserved
from dides.model.selector import check_label
from dides.protocol.configuration import check_configuration
from dides.protocol.field_errors import WANTED, field_error
from dides.protocol.malformed import find_break
from dides.protocol.messages import DeployRequest, Heartbeat, Registration
from dides.protocol.repeated import find_repeated

T = TypeVar("T")
MOST_COLONS = 20_000
"""Those in all fields and texts of a message together are fewer; to look at more fields than that takes long."""


def decode(body: bytes, message: type[T]) -> T:
    """Decode and check a request; an empty body is `{}`.

    Raises MalformedError for what is no JSON (with line and column), InvalidError for what breaks the schema.
    """
    body = body if body.strip() else b"{}"
    decoded = decode_some(body, message)
    if problems := [*_check_repeated(body, message), *check(decoded)]:
        raise InvalidError(*problems)
    return decoded


def decode_some(body: bytes, message: type[T]) -> T:
    """Decode what a message has of a body, and skip the rest unread.

    MalformedError for what is no JSON, InvalidError for what breaks the schema as far as it was read.
    """
    if body.count(b":") > MOST_COLONS:
        raise _refusal(body, FieldError("", "has more fields than any request"))
    try:
        return msgspec.json.decode(body if body.strip() else b"{}", type=message)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _refusal(body, field_error(str(error), message)) from None


def _refusal(body: bytes, problem: FieldError) -> RefusedError:
    """Return what is wrong with a body: the schema may be broken before the place where the JSON is, which counts."""
    broken = find_break(body)
    return MalformedError(broken) if broken else InvalidError(problem)


def decode_query(pairs: Sequence[tuple[str, str]], message: type[T]) -> T:
    """Decode the parameters of a query string; InvalidError for what breaks the schema, or is given twice."""
    counts = Counter(name for name, _ in pairs)
    if twice := [FieldError(name, "is given more than once") for name, count in counts.items() if count > 1]:
        raise InvalidError(*twice)
    try:
        return msgspec.convert(dict(pairs), message, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidError(field_error(str(error), message)) from None


def check(message: object) -> list[FieldError]:
    """Return what the types of a message cannot say: labels, addresses, fields that exclude or need each other."""
    match message:
        case Registration():
            return [*_check_ip(message.instance.ip), *_check_registered_labels(message.instance.labels)]
        case Heartbeat():
            return _check_heartbeat(message)
        case DeployRequest():
            return _check_deploy(message)
        case _:
            return []


def _check_repeated(body: bytes, message: type) -> list[FieldError]:
    """Look for repeated fields, but not in heartbeats: they are many, and there the last word counts."""
    repeated = None if message is Heartbeat else find_repeated(body)
    return [repeated] if repeated else []


def _check_heartbeat(heartbeat: Heartbeat) -> list[FieldError]:
    problems = [] if heartbeat.labels is UNSET else _check_labels("labels", heartbeat.labels)
    pair = (("session", heartbeat.session), ("sequence", heartbeat.sequence))
    missing = [FieldError(field, "is needed: the two come together") for field, value in pair if value is UNSET]
    return problems + missing if len(missing) == 1 else problems


def _check_deploy(request: DeployRequest) -> list[FieldError]:
    problems = []
    for field, alias in (("labels", "lables"), ("configuration", "condiguration")):
        if UNSET not in (getattr(request, field), getattr(request, alias)):
            problems.append(FieldError(alias, f"is another spelling of {field}; send one of the two"))
    for field, labels in (("labels", request.labels), ("lables", request.lables)):
        if labels is not UNSET:
            problems += _check_labels(field, labels)
    for field, given in (("configuration", request.configuration), ("condiguration", request.condiguration)):
        if given is not UNSET:
            problems += check_configuration(field, given)
    if request.code_version is request.configuration_version is UNSET:
        problems.append(FieldError("code_version", "is needed, or configuration_version, or both"))
    return [*problems, *_check_scope(request)]


def _check_scope(request: DeployRequest) -> list[FieldError]:
    """Want it said in so many words when the whole fleet is meant: an empty selector may be a variable left empty."""
    if request.labels is not UNSET or request.lables is not UNSET:
        return []
    if request.selector is UNSET:
        return [FieldError("labels", "is needed, or selector; {} means the whole fleet")]
    if not request.selector.strip():
        return [FieldError("selector", 'must not be empty; the whole fleet is "labels": {}')]
    return []


def _check_ip(address: str) -> list[FieldError]:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return [FieldError("instance.ip", WANTED["ip"])]
    # A zone (fe80::1%eth0) means something on the instance itself only.
    return [FieldError("instance.ip", "must be an address without a zone")] if "%" in address else []


def _check_registered_labels(labels: dict[str, str]) -> list[FieldError]:
    path = "instance.labels"
    reserved = [
        FieldError(f"{path}.{key}", f"must not begin with {RESERVED_PREFIX}, which is for the coordinator alone")
        for key in labels
        if is_reserved(key)
    ]
    return [*_check_labels(path, labels), *reserved]


def _check_labels(path: str, labels: dict[str, str]) -> list[FieldError]:
    return [
        FieldError(f"{path}.{key}", problem) for key, value in labels.items() if (problem := check_label(key, value))
    ]
