from random import Random

from dides.rehearsal.timers import Moments


def test_what_has_come_stays_due_until_it_is_set_anew() -> None:
    moments = Moments()
    moments.put(1, 10)
    moments.put(2, 20)
    assert (moments.due(9), moments.next_moment()) == ([], 10)
    assert (moments.due(10), moments.next_moment()) == ([1], 20)
    assert moments.due(15) == [1]
    moments.put(1, 30)
    assert (moments.due(25), moments.next_moment()) == ([2], 30)


def test_what_is_dropped_is_not_waited_for() -> None:
    moments = Moments()
    moments.put(1, 10)
    moments.put(1, None)
    moments.put(2, None)
    assert (moments.due(99), moments.next_moment()) == ([], None)


def test_a_copy_goes_its_own_way() -> None:
    moments = Moments()
    moments.put(1, 10)
    other = moments.copy()
    other.put(1, None)
    assert (moments.due(10), other.due(10)) == ([1], [])


def test_any_sequence_gives_what_a_plain_dictionary_would() -> None:
    chance, moments, plain, now = Random(0), Moments(), dict[int, int](), 0
    for _ in range(3_000):
        number, moment = chance.randint(1, 6), now + chance.randint(-5, 10)
        if chance.random() < 0.3:
            moments.put(number, None)
            plain.pop(number, None)
        else:
            moments.put(number, moment)
            plain[number] = moment
        now += chance.randint(0, 2)
        assert moments.due(now) == sorted(each for each, its in plain.items() if its <= now)
        assert moments.next_moment() == min((its for its in plain.values() if its > now), default=None)
