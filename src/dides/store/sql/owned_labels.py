"""Between the column that keeps the labels of an operator and the model."""

import msgspec

from dides.model.labels import Owned

_decode = msgspec.json.Decoder(dict[str, str | None]).decode


def owned_from(text: str | None) -> Owned:
    """Return the labels kept in the column."""
    return _decode(text) if text else {}


def owned_text(owned: Owned) -> str | None:
    """Return what is kept of them."""
    return msgspec.json.encode(owned).decode() if owned else None
