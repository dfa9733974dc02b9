"""How often a coordinator does something: a loop that never rests would keep all other work waiting."""

from collections.abc import Callable

from simulator.base.units_of_work import STEP

MOST_STEPS = 30
"""How many steps a coordinator may take within one second. A step is due with a report, a timer or a request: in worlds
as small as these, five at the most."""


class Pace:
    """Counts the steps of each coordinator, second by second."""

    def __init__(self, time: Callable[[], float]) -> None:
        """`time` gives seconds."""
        self._time = time
        self._second = 0
        self._steps: dict[str, int] = {}

    def note(self, coordinator: str, unit: str) -> str | None:
        """Note a unit of work; return what is wrong with its pace, or None."""
        if unit != STEP:
            return None
        if (second := int(self._time())) != self._second:
            self._second = second
            self._steps.clear()
        number = self._steps[coordinator] = self._steps.get(coordinator, 0) + 1
        return f"{coordinator} takes steps without a pause: {number} in one second" if number == MOST_STEPS else None
