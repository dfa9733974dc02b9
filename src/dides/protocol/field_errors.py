"""What is wrong with a field, in words that say what is wanted instead."""

import re

from dides.model.errors import FieldError
from dides.model.policy import MAX_COUNT, MAX_RETRIES
from dides.protocol.fields import YEAR_SECONDS

_VERSION = "must be 1 to 128 visible ASCII characters without spaces"
_AMOUNT = (
    f"must be a count from 1 to {MAX_COUNT:,}, or a percentage above 0 and at most 100 with at most two decimals "
    'such as "12.5%"'
)
_LABELS = 'must be an object whose values are strings, such as {"env": "production"}'
_CONFIGURATION = 'must be an object, such as {"batch_size": 2, "failure_threshold": 1}'
_SWITCH = "must be true or false"

WANTED = {
    "auto_rollback": _SWITCH,
    "batch_size": _AMOUNT,
    "code_version": _VERSION,
    "condiguration": _CONFIGURATION,
    "configuration": _CONFIGURATION,
    "configuration_version": _VERSION,
    "duplicated": _SWITCH,
    "deadline": f"must be seconds, above 0 and at most {YEAR_SECONDS:,}, or null for none",
    "cursor": "must be the next_cursor of the page before, or be left out",
    "deployment": "must be the number of a deployment, from 1",
    "deployment_id": "must be the number of a deployment, from 1; left out, whichever is in flight is meant",
    "failure_threshold": _AMOUNT,
    "force": _SWITCH,
    "generation": "must be a whole number from 0",
    "instance": "must be an object with a name, an ip and labels",
    "ip": "must be an IPv4 or IPv6 address, such as 192.168.1.100",
    "labels": _LABELS,
    "lables": _LABELS,
    "limit": "must be a whole number from 1 to 1,000",
    "max_unavailable": f"{_AMOUNT}, or null for any number",
    "min_healthy_time": f"must be seconds, from 0 to {YEAR_SECONDS:,}",
    "message": "must be a string of at most 2,000 characters without NUL",
    "name": "must be a lower-case hostname (RFC 1123), at most 253 characters",
    "observed": "must be a generation, a whole number from 0",
    "configuration.order": 'must be "name" or "shuffle"',
    "condiguration.order": 'must be "name" or "shuffle"',
    "order": "must be oldest or newest",
    "preview": _SWITCH,
    "retries": f"must be a whole number from 0 to {MAX_RETRIES}",
    "rollback": _SWITCH,
    "sequence": "must be a whole number from 1",
    "session": "must be 1 to 64 visible ASCII characters without spaces",
    "selector": "must be a label selector of at most 10,000 characters, such as env=production",
    "spread_by": "must be the key of a label, such as zone, or null",
    "state": "must be pending, updating, succeeded, failed or skipped",
    "status": "must be 0 (UNKNOWN), 1 (HEALTHY), 2 (DEGRADED) or 3 (FAILED)",
    "DeploymentQuery.status": "must be running, paused, completed, failed or aborted",
    "token": "must be a string of 1 to 1,024 characters",
    "update_timeout": f"must be seconds, above 0 and at most {YEAR_SECONDS:,}",
    "wait": "must be seconds from 0 to 60",
    "wave_pause": f'must be seconds, from 0 to {YEAR_SECONDS:,}, or "manual"',
    "waves[]": _AMOUNT,
    "waves": 'must be a list of counts or percentages, such as [1, "10%"]',
}
"""By the name of a field; by its message and name, or by its path, where two fields of one name differ."""

NOT_YET = frozenset({"identity"})
"""Fields of the wire contract that this version does not support."""

_AT = re.compile(r"^(?P<message>.*) - at `(?P<path>.*)`$", re.DOTALL)
_INDEX = re.compile(r"\[\d+\]$")
_UNKNOWN = re.compile(r"^Object contains unknown field `(?P<field>.*)`$", re.DOTALL)
_MISSING = re.compile(r"^Object missing required field `(?P<field>.*)`$")
_BOUND = re.compile(r"^Expected `(int|float)` (?P<sign>>=|<=|>|<) (?P<bound>.*)$")
_ENTRIES = re.compile(r"^Expected `(object|array)` of length <= (?P<bound>\d+)$")
_SIGNS = {">=": "at least", "<=": "at most", ">": "above", "<": "below"}


def field_error(text: str, message: type) -> FieldError:
    """Turn what msgspec says of a message of a type into a field and a reason."""
    found = _AT.match(text)
    complaint, path = (found["message"], found["path"]) if found else (text, "$")
    path = path.removeprefix("$").removeprefix(".").replace("[...]", "")
    if unknown := _UNKNOWN.match(complaint):
        field = _join(path, unknown["field"])
        return FieldError(field, "is not supported yet" if field in NOT_YET else _not_known(field, message))
    if missing := _MISSING.match(complaint):
        return FieldError(_join(path, missing["field"]), "is needed")
    return FieldError(path, _in_words(complaint, path, message))


def _not_known(field: str, message: type) -> str:
    known = message.__struct_fields__ if "." not in field and hasattr(message, "__struct_fields__") else ()
    return f"is not a known field; known: {', '.join(known)}" if known else "is not a known field"


def _in_words(complaint: str, path: str, message: type) -> str:
    if bound := _BOUND.match(complaint):
        return f"must be {_SIGNS[bound['sign']]} {float(bound['bound']):,.0f}"
    if entries := _ENTRIES.match(complaint):
        return f"must have at most {entries['bound']} entries"
    if not path:
        return "must be a JSON object"
    field = _INDEX.sub("[]", path.rpartition(".")[2])
    wanted = WANTED.get(f"{message.__name__}.{field}") or WANTED.get(path) or WANTED.get(field)
    return wanted or complaint[0].lower() + complaint[1:]


def _join(path: str, field: str) -> str:
    return f"{path}.{field}" if path else field
