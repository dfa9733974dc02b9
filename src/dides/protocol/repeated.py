"""A field that is given more than once: JSON allows it, and readers differ in which one they take."""

import json

from dides.model.errors import FieldError


class _Object(dict[str, object]):
    """A JSON object that remembers which of its names came again."""

    again: str | None = None


def find_repeated(body: bytes) -> FieldError | None:
    """Return the first field of a well-formed body that is given more than once; None when there is none."""
    repeated: list[_Object] = []

    def note(pairs: list[tuple[str, object]]) -> _Object:
        seen = _Object(pairs)
        if len(seen) < len(pairs):
            names = [name for name, _ in pairs]
            seen.again = next(name for name in names if names.count(name) > 1)
            repeated.append(seen)
        return seen

    whole = json.loads(body, object_pairs_hook=note)
    return FieldError(_path(whole, repeated[0]), "is given more than once") if repeated else None


def _path(place: object, wanted: _Object, path: str = "") -> str:
    """Return the dotted path of the repeated name, as far as it can be followed."""
    if place is wanted:
        return f"{path}{wanted.again}"
    if isinstance(place, dict):
        found = (_path(value, wanted, f"{path}{name}.") for name, value in place.items())
        return next((pair for pair in found if pair), "")
    return ""
