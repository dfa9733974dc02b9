"""What holds of every step, whatever it is shown."""

from itertools import product

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from dides.engine.reconcile import reconcile
from dides.engine.threshold import threshold_of
from dides.model.deployment import Counts, DeploymentStatus, Kind, Target, TargetState
from dides.model.plan import Candidate, Plan, Snapshot
from dides.model.policy import Policy
from dides.model.state import NOTHING, Status
from support.builders import GENERATION, NOW, V1, V2, deployment, instance, pending, report, snapshot, updating

STATES = (V1, V2, NOTHING)
REPORTS = (None, *(report(*said) for said in product(Status, STATES)), report(Status.FAILED, V1, observed=GENERATION))
# Every kind of target and instance, drawn whole: one draw each keeps the examples cheap.
TOLD = [
    updating(to=to, report=said, failure_is_news=news, deadline_at=NOW + later, reachable=reachable)
    for to, said, news, later, reachable in product((V1, V2), REPORTS, (True, False), (0, 1), (True, False))
]
CANDIDATES = [
    Candidate(pending(to=to), instance(status=status, current=current, desired=desired, reachable=reachable))
    for to, status, current, desired, reachable in product(STATES, Status, STATES, (None, V1), (True, False))
]


def numbered(targets: list[Target], first: int, state: TargetState) -> list[Target]:
    return [msgspec.structs.replace(each, id=first + place, state=state) for place, each in enumerate(targets)]


def in_line(waiting: list[Candidate]) -> list[Candidate]:
    targets = numbered([each.target for each in waiting], 100, TargetState.PENDING)
    return [Candidate(target, each.instance) for target, each in zip(targets, waiting, strict=True)]


@st.composite
def counts_over(draw: st.DrawFn, waiting: int, updating_now: int, succeeded_now: int) -> Counts:
    """Draw counts that are consistent with so many targets in the snapshot, and others that it does not show."""
    more = st.integers(0, 4)
    deferred, failed, skipped = draw(more), draw(more), draw(more)
    shown = Counts(
        pending=waiting + deferred + draw(more),
        deferred=deferred,
        updating=updating_now + draw(more),
        succeeded=succeeded_now + draw(more),
        failed=failed,
        skipped=skipped,
        already=draw(st.integers(0, skipped)),
    )
    return msgspec.structs.replace(shown, total=sum_of(shown))


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    told_ones = st.lists(st.sampled_from(TOLD), max_size=4)
    now_updating = numbered(draw(told_ones), 1, TargetState.UPDATING)
    now_succeeded = numbered(draw(told_ones), 10, TargetState.SUCCEEDED)
    waiting = in_line(draw(st.lists(st.sampled_from(CANDIDATES), max_size=8)))
    first = draw(st.integers(0, 2))
    its_deployment = deployment(
        kind=draw(st.sampled_from(Kind)),
        status=draw(st.sampled_from([DeploymentStatus.RUNNING, DeploymentStatus.PAUSED])),
        window=draw(st.integers(1, 12)),
        threshold=draw(st.integers(1, 9)),
        policy=Policy(auto_rollback=draw(st.booleans())),
        counts=draw(counts_over(len(waiting), len(now_updating), len(now_succeeded))),
    )
    return snapshot(
        its_deployment,
        waiting,
        reported=(*now_updating[first:], *now_succeeded[first:]),
        due=tuple(each for each in now_updating if (each.deadline_at or 0) <= NOW),
        quiet_until=draw(st.sampled_from([0, NOW, NOW + 1])),
        next_deadline=draw(st.sampled_from([None, NOW + 1])),
    )


def sum_of(counts: Counts) -> int:
    return counts.pending + counts.updating + counts.succeeded + counts.failed + counts.skipped


def settled_as(plan: Plan, before: TargetState, after: TargetState | None = None) -> int:
    return sum(each.target.state is before and after in (None, each.state) for each in plan.settled)


def told(plan: Plan) -> int:
    return sum(each.state is TargetState.UPDATING for each in plan.assigned)


def tripped(plan: Plan) -> bool:
    return plan.ending is not None and plan.ending.stop


@settings(max_examples=500)
@given(snapshots())
def test_a_step_never_tells_more_than_the_slots_that_are_free(shown: Snapshot) -> None:
    plan = reconcile(shown)
    still_updating = shown.deployment.counts.updating - settled_as(plan, TargetState.UPDATING)
    assert told(plan) <= max(0, shown.deployment.window - still_updating)


@settings(max_examples=500)
@given(snapshots())
def test_the_counts_of_a_plan_are_what_its_changes_make_of_those_before(shown: Snapshot) -> None:
    plan, before = reconcile(shown), shown.deployment.counts
    assert sum_of(plan.deployment.counts) == plan.deployment.counts.total == before.total
    assert min(msgspec.structs.astuple(plan.deployment.counts)) >= 0
    assert plan.deployment.counts.deferred <= plan.deployment.counts.pending
    assert plan.deployment.counts.already <= plan.deployment.counts.skipped
    failed = settled_as(plan, TargetState.UPDATING, TargetState.FAILED)
    failed_later = settled_as(plan, TargetState.SUCCEEDED, TargetState.FAILED)
    assert plan.deployment.counts.failed == before.failed + failed + failed_later
    assert plan.deployment.counts.succeeded == before.succeeded - failed_later + settled_as(
        plan, TargetState.UPDATING, TargetState.SUCCEEDED
    )
    assert plan.deployment.counts.updating == before.updating + told(plan) - settled_as(plan, TargetState.UPDATING)


@given(snapshots())
def test_failures_never_become_fewer(shown: Snapshot) -> None:
    assert reconcile(shown).deployment.counts.failed >= shown.deployment.counts.failed


@given(snapshots())
def test_a_deployment_trips_exactly_when_its_failures_have_reached_the_threshold(shown: Snapshot) -> None:
    plan = reconcile(shown)
    reached = plan.deployment.counts.failed >= threshold_of(shown.deployment)
    assert tripped(plan) is (shown.deployment.kind is Kind.DEPLOY and reached)


@given(snapshots())
def test_a_paused_or_tripped_deployment_tells_and_puts_off_nothing(shown: Snapshot) -> None:
    plan = reconcile(shown)
    if tripped(plan) or shown.deployment.status is DeploymentStatus.PAUSED:
        assert (plan.assigned, plan.deferred, plan.run_again) == ((), (), False)


@given(snapshots())
def test_every_target_in_a_plan_came_from_the_snapshot_and_stands_in_it_once(shown: Snapshot) -> None:
    plan = reconcile(shown)
    judged = [each.target for each in plan.settled]
    admitted = [*(each.target for each in plan.assigned), *plan.deferred]
    assert all(target in (*shown.reported, *shown.due) for target in judged)
    # Candidates are dealt with in order: those of the plan are the first ones, without a gap.
    first = [each.target.id for each in shown.candidates[: len(admitted)]]
    assert sorted(each.id for each in admitted) == first
    assert len({each.id for each in judged}) == len(judged)


@given(snapshots())
def test_only_reachable_instances_are_told_in_a_deployment(shown: Snapshot) -> None:
    reachable = {each.target.id for each in shown.candidates if each.instance.reachable}
    told_nothing = {each.target.id for each in reconcile(shown).assigned if each.desired is None}
    assert {each.target.id for each in reconcile(shown).assigned} <= reachable | told_nothing


@given(snapshots())
def test_a_deployment_ends_by_itself_only_when_nothing_is_left_and_then_all_is_finished(shown: Snapshot) -> None:
    plan = reconcile(shown)
    if plan.ending and not plan.ending.stop:
        assert (plan.deployment.counts.pending, plan.deployment.counts.updating, plan.deployment.counts.deferred) == (
            0,
            0,
            0,
        )
        assert not plan.run_again
    elif not plan.ending and shown.deployment.status is DeploymentStatus.RUNNING and shown.now >= shown.quiet_until:
        assert plan.deployment.counts.updating > 0 or plan.deployment.counts.pending > plan.deployment.counts.deferred


@given(snapshots())
def test_a_step_that_asks_to_run_again_has_dealt_with_something(shown: Snapshot) -> None:
    plan = reconcile(shown)
    assert not plan.run_again or plan.assigned or plan.deferred


@given(snapshots())
def test_a_step_is_pure(shown: Snapshot) -> None:
    copy = msgspec.json.encode(shown)
    assert reconcile(shown) == reconcile(shown)
    assert msgspec.json.encode(shown) == copy
