"""What a trip or an abort does to the targets that were updating."""

from dides.engine.stop import STOPPED, known_to_have_read, stop
from dides.model.deployment import TargetState
from dides.model.state import Status
from support.builders import ASSIGNED_AT, GENERATION, V0, V1, noted, report, updating


def test_updating_targets_are_skipped_as_stopped_while_updating() -> None:
    targets = [updating(1, report=report(Status.DEGRADED, V1)), updating(2)]
    stopped, _ = stop(targets)
    assert [each.target for each in stopped] == targets
    assert {(each.state, each.reason) for each in stopped} == {(TargetState.SKIPPED, STOPPED)}
    assert STOPPED == "stopped while updating"


def test_a_stopped_target_that_never_read_its_state_gets_the_earlier_one_back() -> None:
    unread, without_earlier = updating(1, earlier=V0), updating(2, earlier=None)
    _, restored = stop([unread, without_earlier])
    assert [(each.target, each.desired) for each in restored] == [(unread, V0), (without_earlier, None)]


def test_a_stopped_target_that_has_read_its_state_keeps_it() -> None:
    _, restored = stop([updating(report=report(Status.DEGRADED, V1), earlier=V0)])
    assert restored == ()


def test_with_observed_a_target_has_read_its_state_once_it_acts_on_this_generation() -> None:
    other = noted(updating(), report(observed=GENERATION - 1))
    this = noted(updating(), report(observed=GENERATION))
    assert (known_to_have_read(other), known_to_have_read(this)) == (False, True)


def test_without_observed_a_target_has_read_its_state_in_the_answer_to_a_heartbeat_since_the_telling() -> None:
    before = noted(updating(), report(at=ASSIGNED_AT - 1))
    since = noted(updating(), report(at=ASSIGNED_AT))
    assert (known_to_have_read(before), known_to_have_read(since)) == (False, True)


def test_stopping_nothing_changes_nothing() -> None:
    assert stop([]) == ((), ())
