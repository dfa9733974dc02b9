"""The fixed order of a deployment's targets."""

from collections.abc import Iterable

from dides.model.instance import Matched


def in_order(instances: Iterable[Matched]) -> list[Matched]:
    """Return the matched instances in the order in which they will be told: by name."""
    return sorted(instances, key=lambda instance: instance.name)
