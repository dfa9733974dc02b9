"""`spread_by`: the window is taken evenly over the values of a label.

Each value has a fixed share of the window, the window divided by the number of values, rounded up: with a window of 4
over three zones, never more than 2 in one zone. The share is fixed at the trigger, and a value that is done leaves its
share unused: a zone never has more than its share updating, not even at the end. The order goes round the values (see
order.py), so that a window that cannot be divided evenly starts evenly all the same.
"""

from collections.abc import Mapping

from dides.model.deployment import Deployment

MAX_VALUES = 100
"""How many values a label may have to be spread by: a step looks at the pending targets of each."""


def share_of(window: int, values: int) -> int:
    """Return how many targets with one value may be updating at once."""
    return -(-window // values)


def rooms(deployment: Deployment) -> Mapping[str, int] | None:
    """Return how many more targets of each value may be told now; None without `spread_by`."""
    if deployment.share is None:
        return None
    return {value: max(0, deployment.share - updating) for value, updating in deployment.spread.items()}
