"""What an assignment says of a state that was applied already, and what `force` assigns."""

import pytest

from dides.engine.admission import NOTHING_TO_RETURN_TO, admit
from dides.engine.applying import apply_rule
from dides.engine.lapse import ALREADY
from dides.model.deployment import Deployment, TargetState
from dides.model.plan import Assignment, Candidate
from dides.model.policy import Policy
from dides.model.state import NOTHING, ApplyRule, Status
from support.builders import NOW, V2, already_there, candidate, counts, deployment, returning, rollback

FORCED = Policy(batch_size=5, force=True)
COUNTS = counts(pending=5)


def the_one(its: Deployment, candidate: Candidate) -> Assignment:
    (assigned,) = admit(its, [candidate], NOW).assigned
    return assigned


def plain(policy: Policy = Policy()) -> Deployment:
    return deployment(window=5, counts=COUNTS, policy=policy)


@pytest.mark.parametrize(
    ("its", "whose", "state", "rule"),
    [
        (plain(), candidate(), TargetState.UPDATING, ApplyRule.UNLESS_HEALTHY),
        (plain(), already_there(), TargetState.SKIPPED, ApplyRule.IF_CHANGED),
        (plain(FORCED), candidate(), TargetState.UPDATING, ApplyRule.ALWAYS),
        (plain(FORCED), already_there(), TargetState.UPDATING, ApplyRule.ALWAYS),
        (rollback(window=5, counts=COUNTS), returning(), TargetState.UPDATING, ApplyRule.UNLESS_HEALTHY),
        (rollback(window=5, counts=COUNTS), returning(to=NOTHING), TargetState.SKIPPED, ApplyRule.IF_CHANGED),
    ],
)
def test_an_assignment_says_by_its_slot_when_to_apply(
    its: Deployment, whose: Candidate, state: TargetState, rule: ApplyRule
) -> None:
    assigned = the_one(its, whose)
    assert (assigned.state, assigned.apply) == (state, rule)


def test_a_further_attempt_says_what_the_first_one_said() -> None:
    assert apply_rule(plain()) is ApplyRule.UNLESS_HEALTHY
    assert apply_rule(plain(FORCED)) is ApplyRule.ALWAYS


def test_what_is_forced_goes_through_the_window_all_the_same() -> None:
    its = deployment(policy=FORCED, window=2, counts=COUNTS)
    admission = admit(its, [already_there(number) for number in range(1, 6)], NOW)
    assert [each.desired for each in admission.assigned] == [V2, V2]
    assert admission.ran_out


def test_force_gives_nobody_a_slot_who_is_unreachable() -> None:
    admission = admit(plain(FORCED), [candidate(current=V2, reachable=False, status=Status.UNKNOWN)], NOW)
    assert (admission.assigned, len(admission.deferred)) == ([], 1)


def test_without_a_slot_the_reasons_stay() -> None:
    assert the_one(plain(), already_there()).reason == ALREADY
    assert the_one(rollback(window=5, counts=COUNTS), returning(to=NOTHING)).reason == NOTHING_TO_RETURN_TO
