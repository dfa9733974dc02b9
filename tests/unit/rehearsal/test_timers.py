from random import Random

from dides.rehearsal.timers import Timers


def test_what_has_come_stays_due_until_it_is_set_anew() -> None:
    timers = Timers()
    timers.put(1, 10)
    timers.put(2, 20)
    assert (timers.due(9), timers.next_moment()) == ([], 10)
    assert (timers.due(10), timers.next_moment()) == ([1], 20)
    assert timers.due(15) == [1]
    timers.put(1, 30)
    assert (timers.due(25), timers.next_moment()) == ([2], 30)


def test_what_is_dropped_is_not_waited_for() -> None:
    timers = Timers()
    timers.put(1, 10)
    timers.put(1, None)
    timers.put(2, None)
    assert (timers.due(99), timers.next_moment()) == ([], None)


def test_a_copy_goes_its_own_way() -> None:
    timers = Timers()
    timers.put(1, 10)
    other = timers.copy()
    other.put(1, None)
    assert (timers.due(10), other.due(10)) == ([1], [])


def test_any_sequence_gives_what_a_plain_dictionary_would() -> None:
    chance, timers, plain, now = Random(0), Timers(), dict[int, int](), 0
    for _ in range(3_000):
        number, moment = chance.randint(1, 6), now + chance.randint(-5, 10)
        if chance.random() < 0.3:
            timers.put(number, None)
            plain.pop(number, None)
        else:
            timers.put(number, moment)
            plain[number] = moment
        now += chance.randint(0, 2)
        assert timers.due(now) == sorted(each for each, its in plain.items() if its <= now)
        assert timers.next_moment() == min((its for its in plain.values() if its > now), default=None)
