"""The yardsticks of a rollout, and the fleet that everybody makes for himself."""

from itertools import islice

from load.agents import Turn, list_schedule, reactions, shortest
from load.fleet import Fleet, changed, mixed, unchanged


def test_the_list_schedule_starts_the_next_where_a_place_is_free_first() -> None:
    assert list_schedule([3.0, 1.0, 1.0, 1.0], 2) == 3.0
    assert list_schedule([1.0, 1.0, 1.0, 3.0], 2) == 4.0
    assert list_schedule([2.0], 5) == 2.0


def test_nothing_beats_the_longest_one_nor_the_even_share() -> None:
    assert shortest([1.0, 1.0, 1.0, 3.0], 2) == 3.0
    assert shortest([1.0] * 8, 2) == 4.0


def test_a_reaction_lasts_from_one_turn_to_the_next() -> None:
    turns = [Turn(0, 1.0, 0.0, 1.1, 1.2), Turn(1, 1.5, 0.0, 1.6, 1.7)]
    [(sent, answered)] = reactions(turns)
    assert (round(sent, 3), round(answered, 3)) == (0.4, 0.3)


def test_credentials_follow_from_the_number_and_look_like_real_ones() -> None:
    fleet = Fleet(1000)
    assert len({fleet.credential(number) for number in range(1000)}) == 1000
    assert fleet.credential(7) == Fleet(5).credential(7) != Fleet(1000, "other").credential(7)
    assert len(fleet.credential(0)) == 43


def test_every_instance_sends_before_one_sends_again() -> None:
    sent = list(islice(unchanged(Fleet(50), range(50)), 100))
    assert len(set(sent[:50])) == 50
    assert sent[:50] == sent[50:]


def test_changed_heartbeats_are_all_different_and_say_their_length() -> None:
    sent = list(islice(changed(Fleet(10), range(10)), 1000))
    assert len(set(sent)) == 1000
    for request in sent:
        head, _, body = request.partition(b"\r\n\r\n")
        assert head.endswith(b"Content-Length: %d" % len(body))


def test_a_mix_changes_its_share_and_never_changes_back() -> None:
    sent = list(islice(mixed(Fleet(1000), range(1000), 0.01), 2000))
    plain = {request for request in sent if b'"2.' not in request}
    assert len(sent) - sum(request in plain for request in sent) == 20
    changers = {request.split(b" ")[1] for request in sent if request not in plain}
    assert not changers & {request.split(b" ")[1] for request in plain}
