"""Nothing that is decoded is without bounds: numbers fit into every database, and no pattern meets any length."""

from collections.abc import Iterator

import msgspec
import pytest
from msgspec import inspect

from dides.dashboard.pages import events, fleet_columns, instances
from dides.protocol import forecast, messages, queries
from dides.protocol.messages import Request

LARGEST = 2**63 - 1
FREE = (".labels[]", ".lables[]")
"""Keys and values of labels: dides.model.selector looks at their lengths."""


def requests() -> list[type[Request]]:
    """Return every message and query string that a coordinator decodes."""
    modules = (messages, queries, forecast, events, fleet_columns, instances)
    found = {each for module in modules for each in vars(module).values() if isinstance(each, type)}
    return sorted((each for each in found if issubclass(each, Request)), key=lambda each: each.__name__)


def parts(path: str, kind: inspect.Type) -> Iterator[tuple[str, inspect.Type]]:
    """Yield what a type is made of, by its path."""
    yield path, kind
    match kind:
        case inspect.Metadata():
            yield from parts(path, kind.type)
        case inspect.UnionType():
            for each in kind.types:
                yield from parts(path, each)
        case inspect.StructType():
            for field in kind.fields:
                yield from parts(f"{path}.{field.encode_name}", field.type)
        case inspect.DictType():
            yield from parts(f"{path}[]", kind.key_type)
            yield from parts(f"{path}[]", kind.value_type)
        case inspect.VarTupleType() | inspect.ListType():
            yield from parts(f"{path}[]", kind.item_type)


def unbounded(message: type[Request]) -> Iterator[str]:
    for path, kind in parts(message.__name__, inspect.type_info(message)):
        match kind:
            case inspect.IntType():
                low, high = (kind.ge, kind.gt), (kind.le, kind.lt)
                if all(bound is None for bound in low) or all(bound is None or bound > LARGEST for bound in high):
                    yield path
            case inspect.StrType() if kind.max_length is None and not path.endswith(FREE):
                yield path
            case inspect.VarTupleType() | inspect.ListType() | inspect.DictType() if kind.max_length is None:
                yield path
            case inspect.AnyType() | inspect.RawType():
                yield path


@pytest.mark.parametrize("message", requests(), ids=lambda message: message.__name__)
def test_everything_has_bounds(message: type[Request]) -> None:
    assert list(unbounded(message)) == []


def test_what_has_none_is_found() -> None:
    class Careless(Request, frozen=True):
        number: int
        text: str | None
        list: list[int | str]
        above: msgspec.Raw

    assert set(unbounded(Careless)) == {f"Careless.{name}" for name in ("number", "text", "list", "list[]", "above")}
