"""The settings of a rollout, as the message `Configuration` declares them: what each is called, holds and means.

The command line, the form of the dashboard and `dides deployment` are derived from this list. So a field of the message
is an option, an input and a line without being spelt there again.
"""

from enum import StrEnum
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from dides.protocol.messages import Configuration


class Kind(StrEnum):
    """What a setting holds."""

    AMOUNT = "a count, or a percentage"
    AMOUNTS = "several of these"
    SECONDS = "seconds"
    SECONDS_OR_WORD = "seconds, or a word"
    NUMBER = "a whole number"
    TEXT = "a text"
    CHOICE = "one of a few words"
    SWITCH = "yes or no"


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One field of `Configuration`."""

    name: str
    kind: Kind
    help: str
    """What it means; without what null means, which nobody can type."""
    example: Any
    """A value as the wire has it; None where the message shows none."""
    default: Any
    choices: type[StrEnum] | None
    """Of a CHOICE: what may be chosen."""

    @property
    def label(self) -> str:
        """Its name as a heading."""
        return self.name.replace("_", " ").capitalize()


@cache
def settings() -> dict[str, Setting]:
    """Return every setting by name, in the order of the message. Raises KeyError for a type that no kind stands for."""
    fields: Any = inspect.type_info(Configuration)
    return {field.name: _setting(field) for field in fields.fields}


def _setting(field: inspect.Field) -> Setting:
    found, described = _described(field.type)
    types = tuple(one for one in _alternatives(found) if not isinstance(one, inspect.NoneType))
    choices = types[0].cls if isinstance(types[0], inspect.EnumType) else None
    return Setting(
        name=field.name,
        kind=_KINDS[frozenset(map(type, types))],
        help=str(described["description"]).partition("; null:")[0].removesuffix(".") + ".",
        example=next(iter(described.get("examples", ())), None),
        default=field.default,
        choices=choices if choices and issubclass(choices, StrEnum) else None,
    )


def _described(found: inspect.Type) -> tuple[inspect.Type, dict[str, Any]]:
    """Return a type, and what its schema says besides."""
    if isinstance(found, inspect.Metadata):
        return found.type, found.extra_json_schema or {}
    return found, {}


def _alternatives(found: inspect.Type) -> tuple[inspect.Type, ...]:
    return found.types if isinstance(found, inspect.UnionType) else (found,)


_KINDS: dict[frozenset[type], Kind] = {
    frozenset({inspect.IntType, inspect.StrType}): Kind.AMOUNT,
    frozenset({inspect.VarTupleType}): Kind.AMOUNTS,
    frozenset({inspect.FloatType}): Kind.SECONDS,
    frozenset({inspect.FloatType, inspect.LiteralType}): Kind.SECONDS_OR_WORD,
    frozenset({inspect.IntType}): Kind.NUMBER,
    frozenset({inspect.StrType}): Kind.TEXT,
    frozenset({inspect.EnumType}): Kind.CHOICE,
    frozenset({inspect.BoolType}): Kind.SWITCH,
}
