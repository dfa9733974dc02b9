"""Makes a failing scenario smaller: delta debugging over its disruptions, its machines and its orders.

Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (2002), in its simple form: leave out ever
smaller pieces for as long as the same property breaks.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from simulator.base.scenario import Scenario
from simulator.runs.runs import run_scenario
from simulator.world.world import Outcome

PARTS = ("disruptions", "orders", "machines")
MOST_RUNS = 150


class Shrunk(msgspec.Struct, frozen=True):
    """The smallest scenario that was found to break the same property, and what became of it."""

    scenario: Scenario
    outcome: Outcome


class _Search:
    """Tries smaller scenarios, up to a number of runs."""

    def __init__(self, scenario: Scenario, outcome: Outcome, run: Callable[[Scenario], Outcome]) -> None:
        assert outcome.violation is not None, "only what fails can be made smaller"
        self.best = Shrunk(scenario, outcome)
        self._name = outcome.violation.name
        self._run = run
        self._left = MOST_RUNS

    def take(self, part: str, kept: Sequence[Any]) -> bool:
        """Take a scenario with only these of a part, if it fails in the same way."""
        if self._left == 0:
            return False
        self._left -= 1
        smaller = msgspec.structs.replace(self.best.scenario, **{part: tuple(kept)})
        outcome = self._run(smaller)
        if outcome.violation is None or outcome.violation.name != self._name:
            return False
        self.best = Shrunk(smaller, outcome)
        return True

    def shrink(self, part: str) -> None:
        """Leave out pieces of a part: halves first, single ones in the end."""
        size = len(getattr(self.best.scenario, part))
        while size:
            items, place = getattr(self.best.scenario, part), 0
            while place < len(items):
                if not self.take(part, (*items[:place], *items[place + size :])):
                    place += size
                items = getattr(self.best.scenario, part)
            size //= 2


def shrink(scenario: Scenario, outcome: Outcome, run: Callable[[Scenario], Outcome] = run_scenario) -> Shrunk:
    """Return the smallest scenario found that breaks the same property as this one did."""
    search = _Search(scenario, outcome, run)
    for part in PARTS:
        search.shrink(part)
    return search.best
