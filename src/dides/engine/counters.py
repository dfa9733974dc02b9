"""The running totals of a deployment: what each change of a target does to them.

They are kept in the transactions that make the changes, so that no step has to count the fleet.
"""

from collections.abc import Iterable, Mapping

import msgspec

from dides.engine.availability import change_at_settling, is_unavailable
from dides.engine.lapse import after_decommission, tally_lapse
from dides.model.deployment import Deployment, Target, TargetState, Wave
from dides.model.plan import Assignment, Settled


def tally(deployment: Deployment, changes: Iterable[Settled | Assignment]) -> Deployment:
    """Return the deployment with its totals as they are after these changes."""
    changes = tuple(changes)
    deployment = _with_lapses(deployment, changes)
    counts = deployment.counts.after(*(each.move for each in changes))
    joined_failed = counts.joined_failed + sum(_joined_failure(change) for change in changes)
    counts = msgspec.structs.replace(counts, joined_failed=joined_failed)
    if deployment.max_unavailable is not None:
        change = sum(_availability_change(each) for each in changes)
        counts = msgspec.structs.replace(counts, unavailable=counts.unavailable + change)
    return msgspec.structs.replace(
        deployment,
        counts=counts,
        wave=_wave_after(deployment.wave, changes),
        spread=_spread_after(deployment, changes),
    )


def with_joined(deployment: Deployment, target_spread: str, *, healthy: bool) -> Deployment:
    """Return the deployment once an instance has joined the end of its order."""
    counts = deployment.counts
    unavailable = counts.unavailable + (deployment.max_unavailable is not None and not healthy)
    counts = msgspec.structs.replace(
        counts, total=counts.total + 1, pending=counts.pending + 1, unavailable=unavailable
    )
    spread = deployment.spread
    if deployment.share is not None:
        spread = {target_spread: 0, **spread}
    return msgspec.structs.replace(deployment, counts=counts, spread=spread)


def without(deployment: Deployment, target: Target) -> Deployment:
    """Return the deployment once a target's instance is gone: an unfinished target leaves, a finished one stays."""
    counts = deployment.counts
    if deployment.max_unavailable is not None and is_unavailable(target.state, target.status):
        counts = msgspec.structs.replace(counts, unavailable=counts.unavailable - 1)
    if target.state not in (TargetState.PENDING, TargetState.UPDATING):
        return tally_lapse(msgspec.structs.replace(deployment, counts=counts), target, after_decommission(target))
    state = target.state.value
    less = {
        state: getattr(counts, state) - 1,
        "total": counts.total - 1,
        "deferred": counts.deferred - target.deferred,
        "decommissioned": counts.decommissioned + (not target.joined),
    }
    spread = deployment.spread
    if deployment.share is not None and target.state is TargetState.UPDATING:
        spread = {**spread, target.spread: spread[target.spread] - 1}
    return msgspec.structs.replace(deployment, counts=msgspec.structs.replace(counts, **less), spread=spread)


def _with_lapses(deployment: Deployment, changes: Iterable[Settled | Assignment]) -> Deployment:
    for change in changes:
        if isinstance(change, Settled):
            after = msgspec.structs.replace(change.target, state=change.state, lapse=change.lapse)
            deployment = tally_lapse(deployment, change.target, after)
    return deployment


def _joined_failure(change: Settled | Assignment) -> bool:
    return change.state is TargetState.FAILED and change.target.joined


def _availability_change(change: Settled | Assignment) -> int:
    if isinstance(change, Assignment):
        return int(change.makes_unavailable and change.state is TargetState.UPDATING)
    return change_at_settling(change.target)


def _wave_after(wave: Wave, changes: Iterable[Settled | Assignment]) -> Wave:
    succeeded = wave.succeeded
    for each in changes:
        if each.target.wave == wave.open:
            succeeded += each.state is TargetState.SUCCEEDED
            succeeded -= each.target.state is TargetState.SUCCEEDED
    return msgspec.structs.replace(wave, succeeded=succeeded)


def _spread_after(deployment: Deployment, changes: Iterable[Settled | Assignment]) -> Mapping[str, int]:
    if deployment.share is None:
        return deployment.spread
    updating = dict(deployment.spread)
    for each in changes:
        started, ended = each.state is TargetState.UPDATING, each.target.state is TargetState.UPDATING
        updating[each.target.spread] = updating.get(each.target.spread, 0) + started - ended
    return updating
