"""Label selectors in Kubernetes syntax: `env=production,role in (web,api),!canary`."""

import re
from collections.abc import Mapping
from enum import StrEnum

import msgspec

from dides.model.errors import FieldError, InvalidError

MAX_LABELS = 64
LONGEST_PREFIX, LONGEST_NAME = 253, 63
LONGEST_KEY = LONGEST_PREFIX + 1 + LONGEST_NAME
_SHOWN = 80
_LETTERS = "letters, digits, '-', '_' and '.'"
MAX_REQUIREMENTS = 100
"""Conditions in one selector: databases limit how long a query may be, and SQLite refuses a thousand."""
NAME = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
PREFIX = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
KEY_PATTERN = rf"^({PREFIX}/)?{NAME}$"
VALUE_PATTERN = rf"^({NAME})?$"
_KEY = re.compile(KEY_PATTERN[:-1] + r"\Z")
_VALUE = re.compile(VALUE_PATTERN[:-1] + r"\Z")


class Operator(StrEnum):
    """How a requirement compares; a label that is missing satisfies NOT_IN and NOT_EXISTS only."""

    IN = "in"
    NOT_IN = "notin"
    EXISTS = "exists"
    NOT_EXISTS = "!"


class Requirement(msgspec.Struct, frozen=True):
    """One condition on one label."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether the labels satisfy this condition."""
        match self.operator:
            case Operator.IN:
                return labels.get(self.key) in self.values
            case Operator.NOT_IN:
                return labels.get(self.key) not in self.values
            case Operator.EXISTS:
                return self.key in labels
            case Operator.NOT_EXISTS:
                return self.key not in labels


class Selector(msgspec.Struct, frozen=True):
    """Conditions that must all hold; an empty selector matches every instance."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether the labels satisfy every condition."""
        return all(requirement.matches(labels) for requirement in self.requirements)

    def and_labels(self, labels: Mapping[str, str]) -> "Selector":
        """Return a selector that also wants each of these labels to have its value."""
        equal = tuple(Requirement(key, Operator.IN, (value,)) for key, value in sorted(labels.items()))
        return Selector(self.requirements + equal)


def parse_selector(text: str, field: str = "selector") -> Selector:
    """Parse a selector: `k=v`, `k==v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k`, `!k`, joined by commas.

    The grammar is that of Kubernetes' labels and selectors, without its numeric comparisons. Raises InvalidError,
    which names `field`, when the text is not such a selector.
    """
    try:
        return Selector(tuple(_requirement(part) for part in _split(text)))
    except ValueError as error:
        raise InvalidError(FieldError(field, str(error))) from None


def check_label(key: str, value: str) -> str | None:
    """Return what is wrong with a label, or None."""
    if len(key) > LONGEST_KEY or len(key.rpartition("/")[0]) > LONGEST_PREFIX or not _KEY.match(key):
        return f"{key[:_SHOWN]!r} is not a label key: {_LETTERS}, at most 63, with an optional prefix/"
    if len(value) > LONGEST_NAME or not _VALUE.match(value):
        return f"{value[:_SHOWN]!r} is not a label value: {_LETTERS}, at most 63, or empty"
    return None


def _split(text: str) -> list[str]:
    """Split at the commas that are not between parentheses."""
    if not text.strip():
        return []
    parts, depth = [""], 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == "," and depth <= 0:
            parts.append("")
        else:
            parts[-1] += character
    if len(parts) > MAX_REQUIREMENTS:
        raise ValueError(f"has {len(parts)} conditions, and at most {MAX_REQUIREMENTS} are allowed; use in (a,b,...)")
    return [part.strip() for part in parts]


_SET = re.compile(r"(?P<key>\S+)\s+(?P<operator>in|notin)\s*\((?P<values>[^()]*)\)\Z")
_EQUALITY = re.compile(r"(?P<key>[^\s=!]+)\s*(?P<operator>==|=|!=)\s*(?P<value>[^\s=!]*)\Z")


def _requirement(text: str) -> Requirement:
    if found := _SET.match(text):
        operator = Operator(found["operator"])
        return _checked(found["key"], operator, *(value.strip() for value in found["values"].split(",")))
    if found := _EQUALITY.match(text):
        operator = Operator.NOT_IN if found["operator"] == "!=" else Operator.IN
        return _checked(found["key"], operator, found["value"])
    if text.startswith("!"):
        return _checked(text[1:].strip(), Operator.NOT_EXISTS)
    return _checked(text, Operator.EXISTS)


def _checked(key: str, operator: Operator, *values: str) -> Requirement:
    for value in values or ("",):
        if problem := check_label(key, value):
            raise ValueError(problem)
    return Requirement(key, operator, values)
