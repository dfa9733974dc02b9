from collections import Counter

from dides.rehearsal.fleet import NEW, OLD, Condition, Group, arrange, instances_of, size_of, spread_of

FLEET = (Group(50), Group(30, Condition.THERE), Group(20, Condition.UNREACHABLE, "zone-b"))


def test_groups_are_mixed_in_an_order_that_the_seed_gives() -> None:
    places = arrange(FLEET, seed=1)
    assert Counter(places) == {group: group.number for group in FLEET}
    assert places == arrange(FLEET, seed=1)
    assert places != arrange(FLEET, seed=2)
    assert places[:50] != [FLEET[0]] * 50


def test_instances_are_numbered_and_named_in_order() -> None:
    names = [each.name for each in instances_of([Group(1)] * 12)]
    assert names == sorted(names)
    assert (names[0], names[-1]) == ("instance-01", "instance-12")


def test_instances_are_as_their_groups_say() -> None:
    there, away = instances_of([FLEET[1], FLEET[2]])
    assert (there.current, there.reachable) == (NEW, True)
    assert (away.current, away.reachable) == (OLD, False)
    assert spread_of([FLEET[1], FLEET[2]]) == {1: "", 2: "zone-b"}


def test_sizes_add_up() -> None:
    assert size_of(FLEET) == 100
    assert size_of(FLEET, Condition.THERE) == 30
    assert size_of(FLEET, Condition.UNHEALTHY) == 0
