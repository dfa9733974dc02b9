"""What the model checker explores: a small deployment from V1 to V2, and what may go wrong meanwhile.

Time goes in ticks. Everything that waits, waits for whole ticks, so that a run is a sequence of events and no more.
"""

import msgspec

from dides.model.policy import Amount, Policy
from dides.model.state import State

V1, V2 = State("1", "1"), State("2", "2")
TICK = 5_000  # ms: the first backoff of a retry
GENERATION = 3  # of every instance before the deployment


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A policy, a few instances that run V1, and the disruptions that are possible."""

    policy: Policy
    instances: int = 2
    observing: bool = True
    """The agents send `observed`."""
    managed: bool = True
    """The instances have been told V1 before; else they have no desired state, and run V1 all the same."""
    disruptions: frozenset[str] = frozenset()
    at_most: int = 1
    """How many disruptions there are in one run, in all."""

    @property
    def window(self) -> int:
        """How many may be updating at once."""
        return _as_count(self.policy.batch_size)

    @property
    def threshold(self) -> int:
        """How many failures stop the deployment."""
        return _as_count(self.policy.failure_threshold)

    @property
    def max_unavailable(self) -> int | None:
        """How many may be updating or not HEALTHY at once, if that is limited."""
        return None if self.policy.max_unavailable is None else _as_count(self.policy.max_unavailable)

    @property
    def earlier(self) -> State | None:
        """What every instance was to be before the deployment."""
        return V1 if self.managed else None


def ticks(seconds: float) -> int:
    """Return a time that is a whole number of ticks in ticks."""
    count = round(seconds / 5)
    assert count * 5 == seconds, "the model knows whole ticks only"
    return count


def _as_count(amount: Amount) -> int:
    assert isinstance(amount, int), "the model asks for counts, so that it need not resolve percentages itself"
    return amount
