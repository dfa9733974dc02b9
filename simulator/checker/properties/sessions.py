"""What holds of the agent processes of an instance."""

from collections.abc import Iterator

from simulator.base.units_of_work import INGEST_BATCH, STEP
from simulator.checker.history import Memory
from simulator.checker.snapshots import Change


def numbers_rise(change: Change, _: Memory) -> Iterator[str]:
    """The number of the last report of an agent process never falls."""
    for before, after in change.instances:
        if before and after and before.session == after.session and after.sequence < before.sequence:
            yield f"{after.name} was at report {before.sequence} of {after.session}, and is at {after.sequence}"


def late_reports_change_nothing(change: Change, memory: Memory) -> Iterator[str]:
    """What an instance is shown with changes by a report that counts, not by one that comes late, or twice."""
    for before, after in change.instances if change.unit == INGEST_BATCH else ():
        if not before or not after or (before.status, before.current) == (after.status, after.current):
            continue
        if not before.reachable:
            continue  # What it was heard of elsewhere may be said again; verdicts.returns_are_real looks at that.
        reports = memory.reports.get(after.id, ())
        if not reports or reports[-1].stored_at != change.number:
            yield f"{after.name} is shown as {after.status} at {after.current} by a report that does not count"


def restarts_are_no_duplicates(change: Change, memory: Memory) -> Iterator[str]:
    """An agent that starts anew is never taken for two, however late the last reports of the earlier process come."""
    for _before, after in change.instances:
        if after and after.duplicated_until and after.name not in memory.clones:
            yield f"{after.name} counts as duplicated"


def duplicates_fail(change: Change, _: Memory) -> Iterator[str]:
    """An instance as which two agents report is no target that updates or has succeeded, once a step has been taken.

    The step that assigns such a target does not judge it yet: the next one does.
    """
    assigned = {target.id for _, target in change.assigned_targets}
    for row in change.after.in_flight() if change.unit == STEP else ():
        for target in change.after.targets_of(row.id):
            instance = change.after.instances.get(target.instance_id or 0)
            twice = instance is not None and change.now < instance.duplicated_until
            if twice and target.state in ("updating", "succeeded") and target.id not in assigned:
                yield f"{target.instance} is {target.state} in deployment {row.id}, and is two"
