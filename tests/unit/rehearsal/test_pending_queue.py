from random import Random

from dides.model.deployment import Target
from dides.rehearsal.pending_queue import Line
from support.builders import pending


def target(number: int, spread: str = "") -> Target:
    return pending(number, spread=spread)


def line_of(*targets: Target) -> Line:
    line = Line()
    line.form(targets)
    return line


def test_the_first_are_those_with_the_lowest_positions() -> None:
    line = line_of(target(3), target(1), target(2))
    assert line.first(2, None) == [1, 2]
    assert line.first(9, None) == [1, 2, 3]
    assert line.first(0, None) == []


def test_of_several_values_the_first_are_in_the_order_of_all() -> None:
    line = line_of(target(1, "a"), target(2, "b"), target(3, "b"), target(4, "a"))
    assert line.first(3, None) == [1, 2, 3]
    assert line.first(9, {"a": 2, "b": 1}) == [1, 2, 4]
    assert line.first(9, {"b": 5, "c": 5}) == [2, 3]
    assert line.first(9, {"a": 0}) == []


def test_who_leaves_and_joins_again_waits_at_its_position() -> None:
    line = line_of(target(1), target(2), target(3))
    line.leave(target(1))
    assert line.first(2, None) == [2, 3]
    line.join(pending(1, position=9))
    assert line.first(9, None) == [2, 3, 1]


def test_a_copy_goes_its_own_way() -> None:
    line = line_of(target(1), target(2))
    other = line.copy()
    other.leave(target(1))
    assert (list(line), list(other)) == ([1, 2], [2])


def test_any_order_of_leaving_and_joining_keeps_the_line_sorted() -> None:
    chance = Random(0)
    line, waiting = line_of(), dict[int, Target]()
    for _ in range(500):
        number = chance.randint(1, 20)
        if number in waiting:
            line.leave(waiting.pop(number))
        else:
            waiting[number] = pending(
                number, position=chance.randint(1, 1000) * 100 + number, spread=chance.choice("ab")
            )
            line.join(waiting[number])
        in_order = sorted(waiting, key=lambda each: waiting[each].position)
        assert line.first(5, None) == in_order[:5]
