"""Which number a report gets, and when a process goes on under another session."""

from dides.agent.numbering import LEAP_MS, Numbering
from dides.model.state import Status
from dides.protocol.messages import Heartbeat
from support.clocks import FakeClock

WELL, ILL = Heartbeat(status=Status.HEALTHY), Heartbeat(status=Status.FAILED)


def test_what_was_answered_is_followed_by_the_next_number() -> None:
    numbering = Numbering(FakeClock())
    given = []
    for said in (WELL, WELL, ILL):
        given.append(numbering.sign(said))
        numbering.close()
    assert [each.sequence for each in given] == [1, 2, 3]
    assert len({each.session for each in given}) == 1
    assert [each.status for each in given] == [Status.HEALTHY, Status.HEALTHY, Status.FAILED]


def test_what_was_not_answered_is_sent_again_under_its_number() -> None:
    numbering = Numbering(FakeClock())
    assert numbering.sign(WELL) == numbering.sign(WELL)


def test_anything_else_to_say_has_a_number_of_its_own() -> None:
    numbering = Numbering(FakeClock())
    assert [numbering.sign(each).sequence for each in (WELL, ILL, WELL)] == [1, 2, 3]


def test_two_processes_have_two_sessions() -> None:
    clock = FakeClock()
    assert Numbering(clock).sign(WELL).session != Numbering(clock).sign(WELL).session


def test_time_that_passes_changes_nothing() -> None:
    clock = FakeClock()
    numbering = Numbering(clock)
    before = numbering.sign(WELL)
    clock.advance(86_400)
    clock.set_wall(clock.now() + LEAP_MS)
    assert numbering.sign(WELL) == before


def test_a_process_that_wakes_up_at_another_time_begins_anew() -> None:
    """Its virtual machine was put back to a snapshot: the numbers that it goes on with have been given out."""
    clock = FakeClock()
    numbering = Numbering(clock)
    before = numbering.sign(WELL)
    for way in (1, -1):
        clock.set_wall(clock.now() + way * (LEAP_MS + 1))
        after = numbering.sign(WELL)
        assert (after.session != before.session, after.sequence) == (True, 1)
        assert numbering.sign(WELL) == after
        before = after
