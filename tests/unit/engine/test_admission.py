"""What happens to the pending targets whose turn has come."""

from collections.abc import Iterable

import msgspec
import pytest

from dides.engine.admission import NOTHING_TO_RETURN_TO, Admission, admit, desired_for
from dides.engine.lapse import ALREADY
from dides.model.deployment import Deployment, TargetState
from dides.model.plan import Assignment, Candidate
from dides.model.policy import Policy
from dides.model.state import NOTHING, State, Status
from support.builders import (
    NOW,
    PAUSED,
    V0,
    V1,
    V2,
    already_there,
    candidate,
    counts,
    deployment,
    pending,
    returning,
    rollback,
    unreachable,
)


def admitted(slots: int, *candidates: Candidate, to: Deployment | None = None) -> Admission:
    """Admit candidates while so many slots are free; one more is taken."""
    taken = {"window": slots + 1, "counts": counts(updating=1, pending=9)}
    return admit(msgspec.structs.replace(to or deployment(), **taken), candidates, NOW)


def told(admission: Admission) -> list[int]:
    return numbers(each for each in admission.assigned if each.state is TargetState.UPDATING)


def numbers(assigned: Iterable[Assignment]) -> list[int]:
    return [each.target.id for each in assigned]


def only(admission: Admission) -> Assignment:
    (assignment,) = admission.assigned
    return assignment


def test_candidates_are_told_in_order_while_slots_are_free() -> None:
    admission = admitted(2, candidate(1), candidate(2), candidate(3))
    assert told(admission) == [1, 2]
    assert admission.ran_out


def test_slots_that_nobody_needs_stay_free() -> None:
    admission = admitted(3, candidate(1), candidate(2))
    assert told(admission) == [1, 2]
    assert not admission.ran_out


def test_telling_notes_what_the_instance_had_and_when_it_times_out() -> None:
    patient = deployment(policy=Policy(update_timeout=2.5))
    one = candidate(current=V1, last_good=V0, desired=State("0.8", "c8"))
    assignment = only(admitted(1, one, to=patient))
    assert assignment.state is TargetState.UPDATING
    assert (assignment.desired, assignment.before, assignment.last_good) == (V2, V1, V0)
    assert assignment.earlier == State("0.8", "c8")
    assert assignment.deadline_at == NOW + 2_500


@pytest.mark.parametrize("status", Status)
def test_a_failure_is_news_unless_the_instance_was_failed_when_told(status: Status) -> None:
    assert only(admitted(1, candidate(status=status))).failure_is_news is (status is not Status.FAILED)


@pytest.mark.parametrize(
    ("rule", "to", "earlier", "desired"),
    [
        ("both named", V2, V1, V2),
        ("a version left out stays as in the earlier desired state", State("2.0"), V1, State("2.0", "c1")),
        ("the other way round", State(None, "c2"), V1, State("1.0", "c2")),
        ("a version left out and never desired is unmanaged", State("2.0"), None, State("2.0")),
        ("what the instance reports does not matter", State("2.0"), State("0.1"), State("2.0")),
    ],
)
def test_an_instance_is_told(rule: str, to: State, earlier: State | None, desired: State) -> None:
    assert desired_for(deployment(to=to), candidate(desired=earlier)) == desired, rule


def test_a_target_already_there_and_healthy_is_skipped_takes_no_slot_and_is_told_the_target() -> None:
    admission = admitted(1, already_there(1), candidate(2))
    skipped = admission.assigned[0]
    assert (skipped.state, skipped.reason, skipped.desired) == (TargetState.SKIPPED, ALREADY, V2)
    assert skipped.deadline_at is None
    assert told(admission) == [2]


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.HEALTHY}))
def test_a_target_already_there_but_not_healthy_is_told(status: Status) -> None:
    assert told(admitted(1, candidate(current=V2, status=status))) == [1]


def test_a_target_there_but_for_a_version_that_stays_as_desired_is_told() -> None:
    drifted = candidate(current=State("2.0", "c9"), desired=V1)
    assert told(admitted(1, drifted, to=deployment(to=State("2.0")))) == [1]


def test_a_target_there_in_every_managed_version_is_already_there() -> None:
    one = candidate(current=State("2.0", "anything"), desired=None)
    assert only(admitted(1, one, to=deployment(to=State("2.0")))).reason == ALREADY


def test_an_unreachable_candidate_goes_to_the_end_and_takes_no_slot() -> None:
    admission = admitted(1, unreachable(1), candidate(2))
    assert [each.id for each in admission.deferred] == [1]
    assert told(admission) == [2]


def test_an_unreachable_candidate_is_untold_even_if_it_was_last_seen_healthy_at_the_target() -> None:
    admission = admitted(1, candidate(current=V2, status=Status.HEALTHY, reachable=False))
    assert admission.assigned == []
    assert len(admission.deferred) == 1


def test_without_a_free_slot_the_order_is_kept() -> None:
    admission = admitted(0, candidate(1), already_there(2), unreachable(3))
    assert (admission.assigned, admission.deferred) == ([], [])
    assert admission.ran_out


def test_what_takes_no_slot_does_not_wait_for_one() -> None:
    admission = admitted(0, already_there(1), unreachable(2), already_there(3), candidate(4))
    assert numbers(admission.assigned) == [1, 3]
    assert [each.id for each in admission.deferred] == [2]


def test_a_paused_deployment_tells_nothing_and_puts_nothing_off() -> None:
    admission = admitted(0, already_there(1), unreachable(2), to=deployment(status=PAUSED))
    assert (admission.assigned, admission.deferred) == ([], [])


def test_a_rollback_tells_each_instance_its_own_earlier_state() -> None:
    admission = admitted(2, returning(1, to=V1), returning(2, to=V0), to=rollback(to=NOTHING))
    assert [each.desired for each in admission.assigned] == [V1, V0]


def test_a_rollback_leaves_unmanaged_what_its_target_leaves_out() -> None:
    assert only(admitted(1, returning(to=State("1.0")), to=rollback())).desired == State("1.0")


def test_a_rollback_skips_none_as_already_there() -> None:
    assert told(admitted(1, returning(to=V1, current=V1, status=Status.HEALTHY), to=rollback())) == [1]


@pytest.mark.parametrize("reachable", [True, False])
def test_with_nothing_to_return_to_the_desired_state_becomes_null(reachable: bool) -> None:
    skipped = only(admitted(0, returning(to=NOTHING, reachable=reachable), to=rollback()))
    assert (skipped.state, skipped.reason, skipped.desired) == (TargetState.SKIPPED, NOTHING_TO_RETURN_TO, None)


def test_a_rollback_puts_an_unreachable_target_off_too() -> None:
    admission = admitted(1, returning(1, reachable=False), returning(2), to=rollback())
    assert [each.id for each in admission.deferred] == [1]
    assert told(admission) == [2]


def test_a_target_that_was_put_off_and_has_returned_is_told_like_any_other() -> None:
    returned = Candidate(pending(1, position=9), candidate(1).instance)
    assert told(admitted(1, returned)) == [1]
