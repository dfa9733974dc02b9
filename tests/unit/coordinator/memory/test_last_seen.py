"""Last-seen times are kept in blocks, and each coordinator learns of those of the others."""

import struct

from dides.coordinator.memory.last_seen import MARK, PER_BLOCK, LastSeen

FAR = 5 * PER_BLOCK + 7


def test_nobody_has_been_heard_of_at_first() -> None:
    assert (LastSeen().last(FAR), LastSeen().own(FAR)) == (0, 0)


def test_the_last_sign_of_life_is_kept() -> None:
    last_seen = LastSeen()
    last_seen.note(FAR, 1000)
    last_seen.note(FAR, 2000)
    last_seen.note(FAR + 1, 3000)
    assert [last_seen.own(each) for each in (FAR, FAR + 1, FAR + 2)] == [2000, 3000, 0]


def test_only_blocks_that_have_changed_are_written_as_little_endian_numbers() -> None:
    last_seen = LastSeen()
    last_seen.note(1, 5)
    last_seen.note(FAR, 1_767_600_000_000)
    blocks = last_seen.take_changed()
    assert sorted(blocks) == [0, 5]
    assert struct.unpack(f"<{PER_BLOCK}q", blocks[5])[7] == 1_767_600_000_000
    assert last_seen.take_changed() == {}
    last_seen.note(2, 6)
    assert sorted(last_seen.take_changed()) == [0]


def test_blocks_that_could_not_be_written_are_written_later() -> None:
    last_seen = LastSeen()
    last_seen.note(1, 5)
    last_seen.put_back(last_seen.take_changed())
    assert sorted(last_seen.take_changed()) == [0]


def test_what_others_have_heard_counts_where_it_is_newer() -> None:
    here, there = LastSeen(), LastSeen()
    here.note(1, 500)
    here.note(2, 500)
    there.note(1, 400)
    there.note(2, 600)
    there.note(FAR, 700)
    here.learn([{**there.take_changed(), MARK: b""}])
    assert [here.last(each) for each in (1, 2, FAR)] == [500, 600, 700]
    assert here.own(2) == 500
    here.learn([])
    assert here.last(2) == 500


def test_signs_of_life_that_are_yet_to_come_are_taken_for_others_and_written_again() -> None:
    last_seen, other = LastSeen(), LastSeen()
    for each, at in ((1, 1000), (2, 9000), (FAR, 500)):
        last_seen.note(each, at)
    other.note(3, 9000)
    last_seen.learn([other.take_changed()])
    last_seen.take_changed()
    last_seen.recede(1000, 700)
    assert [last_seen.last(each) for each in (1, 2, 3, FAR)] == [1000, 700, 700, 500]
    assert sorted(last_seen.take_changed()) == [0]


def test_a_block_goes_with_the_last_of_its_instances() -> None:
    last_seen = LastSeen()
    for each in (FAR, FAR + 1, 1):
        last_seen.note(each, 1000)
    last_seen.forget(FAR)
    assert [last_seen.own(each) for each in (FAR, FAR + 1)] == [0, 1000]
    assert sorted(last_seen.take_changed()) == [0, 5]
    last_seen.note(FAR + 1, 2000)
    last_seen.forget(FAR + 1)
    last_seen.forget(FAR + 1)  # as one may be told twice
    assert last_seen.take_changed() == {}
    assert sorted(last_seen._own) == [0], "or a fleet that comes and goes takes more and more memory"


def test_a_block_that_is_gone_is_not_put_back() -> None:
    last_seen = LastSeen()
    last_seen.note(FAR, 1000)
    changed = last_seen.take_changed()
    last_seen.forget(FAR)
    last_seen.put_back(changed)
    assert last_seen.take_changed() == {}
