"""A deployment's running totals, counted again one by one."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from dides.engine.admission import ALREADY
from dides.model.deployment import Counts, Deployment, Target, TargetState
from dides.model.state import Status


def real_counts(targets: Iterable[Target]) -> Counts:
    """Return the counts of a deployment with these targets, counted one by one."""
    count = dict.fromkeys(Counts.__struct_fields__, 0)
    for target in targets:
        count["total"] += 1
        count[target.state.value] += 1
        count["already"] += target.state is TargetState.SKIPPED and target.reason == ALREADY
        count["deferred"] += target.state is TargetState.PENDING and target.deferred
    return Counts(**count)


def assert_totals_true(deployment: Deployment, targets: Iterable[Target]) -> None:
    """Check a deployment's running totals against its targets, counted one by one."""
    targets = list(targets)
    counts = real_counts(targets)
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
    of_wave = (each for each in targets if each.wave == deployment.wave.open)
    assert deployment.wave.succeeded == sum(each.state is TargetState.SUCCEEDED for each in of_wave)
    if deployment.in_flight:
        values = Counter(each.spread for each in targets if each.state is TargetState.UPDATING)
        assert all(values[value] == number for value, number in deployment.spread.items())
        assert deployment.share is None or all(number <= deployment.share for number in values.values())
