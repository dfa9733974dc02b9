"""Who owns a label: what an operator has set or removed stays, the rest is as the agent says when it registers."""

from collections.abc import Mapping

Owned = Mapping[str, str | None]
"""The labels that an operator has set, each with its value, and those that one has removed, each with None."""
RESERVED_PREFIX = "dides/"
"""Of keys that no registration may bring: they are for what a coordinator says of instances itself."""


def labels_of(registered: Mapping[str, str], owned: Owned) -> dict[str, str]:
    """Return the labels of an instance that has registered with some of them."""
    own = {key: value for key, value in registered.items() if key not in owned}
    return own | {key: value for key, value in owned.items() if value is not None}


def owned_after(labels: Mapping[str, str], wanted: Mapping[str, str], owned: Owned) -> dict[str, str | None]:
    """Return what an operator owns who wants other labels; one that stays as it is keeps its owner."""
    changed = {key: value for key, value in wanted.items() if labels.get(key) != value}
    removed = dict.fromkeys(key for key in labels if key not in wanted)
    return {**owned, **changed, **removed}


def is_reserved(key: str) -> bool:
    """Tell whether no registration may bring this label."""
    return key.startswith(RESERVED_PREFIX)
