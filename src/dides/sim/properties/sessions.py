"""What holds of the agent processes of an instance."""

from collections.abc import Iterator

from dides.sim.memory import Memory
from dides.sim.tables import Change


def numbers_rise(change: Change, _: Memory) -> Iterator[str]:
    """The number of the last report of an agent process never falls."""
    for before, after in change.instances:
        if before and after and before.session == after.session and after.sequence < before.sequence:
            yield f"{after.name} was at report {before.sequence} of {after.session}, and is at {after.sequence}"


def restarts_are_no_duplicates(change: Change, memory: Memory) -> Iterator[str]:
    """An agent that starts anew is never taken for two, however late the last reports of the earlier process come."""
    for _before, after in change.instances:
        if after and after.duplicated_until and after.name not in memory.clones:
            yield f"{after.name} counts as duplicated"
