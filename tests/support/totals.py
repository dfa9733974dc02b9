"""A deployment's running totals, counted again one by one."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from dides.engine.lapse import is_watched
from dides.model.deployment import Counts, Deployment, Lapse, Target, TargetState
from dides.model.state import Status


def real_counts(targets: Iterable[Target]) -> Counts:
    """Return the counts of a deployment with these targets, counted one by one."""
    count = dict.fromkeys(Counts.__struct_fields__, 0)
    for target in targets:
        count["total"] += 1
        count[target.state.value] += 1
        count["already"] += target.already and target.lapse is not Lapse.LEFT
        count["silent"] += target.lapse is Lapse.SILENT
        ill = target.lapse in (Lapse.DEGRADED, Lapse.LEAVING)
        count["degraded"] += ill or (target.lapse is Lapse.LEFT and not target.already)
        count["joined_failed"] += target.joined and target.state is TargetState.FAILED
        assert target.lapse is None or is_watched(target)
        count["deferred"] += target.state is TargetState.PENDING and target.deferred
    return Counts(**count)


def assert_totals_true(deployment: Deployment, targets: Iterable[Target]) -> None:
    """Check a deployment's running totals against its targets, counted one by one."""
    targets = list(targets)
    counts = msgspec.structs.replace(real_counts(targets), decommissioned=deployment.counts.decommissioned)
    if deployment.in_flight and deployment.max_unavailable is not None:
        down = (
            each.state is TargetState.UPDATING or each.status is not Status.HEALTHY
            for each in targets
            if each.instance_id
        )
        counts = msgspec.structs.replace(counts, unavailable=sum(down))
        ill = (each for each in targets if each.instance_id and each.state is TargetState.PENDING)
        assert all(each.unhealthy is (each.status is not Status.HEALTHY) for each in ill)
    assert deployment.counts == counts, f"deployment {deployment.id}: {deployment.counts}, but really {counts}"
    succeeded = [
        target for target in targets if target.wave == deployment.wave.open and target.state is TargetState.SUCCEEDED
    ]
    assert deployment.wave.succeeded == len(succeeded)
    assert deployment.wave.lapsed == sum(target.lapse is not None for target in succeeded)
    if deployment.in_flight:
        values = Counter(each.spread for each in targets if each.state is TargetState.UPDATING)
        assert all(values[value] == number for value, number in deployment.spread.items())
        assert deployment.share is None or all(number <= deployment.share for number in values.values())
