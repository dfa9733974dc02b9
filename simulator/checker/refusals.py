"""Whether what a coordinator says when it refuses a rollback is the case, by the tables."""

import re
from collections.abc import Iterator

from simulator.checker.rows import DeploymentRow
from simulator.checker.snapshots import View

UNDONE = re.compile(r"Deployment (\d+) has already been undone")
EMPTY = re.compile(r"Deployment (\d+) assigned nothing")
NOTHING_LEFT = "Every deployment that assigned anything is undone"


def false_refusals(view: View, reason: str) -> Iterator[str]:
    """Yield what is wrong with the reason for which a rollback was refused."""
    if found := UNDONE.match(reason):
        rollbacks = [each for each in view.deployments.values() if each.rollback_of == int(found[1])]
        if not rollbacks or rollbacks[-1].status != "completed":
            yield f"a rollback of deployment {found[1]} is refused, and none has undone it"
    if (found := EMPTY.match(reason)) and _has_assigned(view, view.deployments[int(found[1])]):
        yield f"a rollback of deployment {found[1]} is refused, which has assigned something"
    if reason.startswith(NOTHING_LEFT):
        left = [each.id for each in view.deployments.values() if each.kind == "deploy" and not each.withdrawn]
        left = [each for each in left if _has_assigned(view, view.deployments[each])]
        if left:
            yield f"a rollback is refused although deployment {left[-1]} may be undone"


def _has_assigned(view: View, row: DeploymentRow) -> bool:
    return any(each.assigned_at for each in view.targets_of(row.id))
