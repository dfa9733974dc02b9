"""What a deployment would do, worked by hand. The proof of the worst case is in test_forecast_worst_case.py."""

from collections.abc import Iterable

import pytest

from dides.engine.forecast import Circumstances, Forecast, forecast
from dides.model.errors import InvalidError
from dides.model.instance import Matched
from dides.model.policy import Amount, Ordering, Policy
from dides.model.state import State, Status
from support.builders import V1, V2


def matched(number: int, current: State = V1, **changes: object) -> Matched:
    return Matched(number, f"web-{number:02}", current, **changes)  # type: ignore[arg-type]


def there(number: int) -> Matched:
    return matched(number, V2)


def away(number: int, current: State = V1) -> Matched:
    return matched(number, current, status=Status.UNKNOWN, reachable=False)


def failed(number: int) -> Matched:
    return matched(number, status=Status.FAILED)


def healthy(number: int) -> list[Matched]:
    return [matched(each) for each in range(1, number + 1)]


def foretell(fleet: Iterable[Matched], **policy: object) -> Forecast:
    return forecast(Policy(**policy), V2, list(fleet), Circumstances())  # type: ignore[arg-type]


def worst(fleet: Iterable[Matched], **policy: object) -> tuple[int, int]:
    found = foretell(fleet, **policy)
    return found.reached, found.down_at_once


def test_the_worked_example_of_the_wire_contract() -> None:
    found = foretell([*healthy(9), there(10)], batch_size=4)
    assert (found.matched, found.already_at_target, found.unreachable, found.window) == (10, 1, 0, 4)
    assert (found.reached, found.down_at_once) == (5, 4)


@pytest.mark.parametrize(
    ("batch_size", "threshold", "waves", "told"),
    [
        (1, 1, (), 1),
        (4, 1, (), 4),
        (1, 4, (), 4),
        (4, 3, (), 6),
        ("25%", "10%", (), 13),  # 3 have failed and 10 are updating when the 4th fails
        (40, 40, (), 40),
        (4, 3, (1,), 1),  # the canary alone
        (4, 3, (5,), 5),
        (4, 3, (6,), 6),
        (4, 3, (30,), 6),
        (4, "10%", (5,), 4),  # 10 % of the wave's 5 is 1
        (1_000_000, 1_000_000, ("50%",), 20),
    ],
)
def test_the_worst_case_of_forty(batch_size: Amount, threshold: Amount, waves: tuple[Amount, ...], told: int) -> None:
    found = foretell(healthy(40), batch_size=batch_size, failure_threshold=threshold, waves=waves)
    assert (found.reached, found.down_at_once) == (told, told)


def test_max_unavailable_counts_those_that_failed_and_spares_the_healthy() -> None:
    assert worst(healthy(10), batch_size=5, failure_threshold=10, max_unavailable=3) == (3, 3)
    fleet = [*healthy(6), failed(7), failed(8), there(9)]
    assert worst(fleet, batch_size=9, failure_threshold=9, max_unavailable=3) == (4, 3), (
        "one HEALTHY, and two that failed"
    )
    assert worst(fleet, batch_size=9, failure_threshold=9, max_unavailable=1) == (3, 2), "only the two that failed"


def test_spread_by_bounds_what_can_be_updating_at_once() -> None:
    zones = [matched(number, spread="a" if number <= 8 else "b") for number in range(1, 10)]
    assert foretell(zones, batch_size=4, spread_by="zone").window == 3, "two of a, and the one of b"
    assert worst(zones, batch_size=4, spread_by="zone") == (3, 3)
    assert worst(zones, batch_size=4, spread_by="zone", failure_threshold=3) == (5, 5)


def test_waves_are_those_to_be_told_in_their_order() -> None:
    fleet = [away(1), *(matched(number) for number in range(2, 7)), there(7), failed(8)]
    found = foretell(fleet, waves=(1, "50%"))
    assert found.waves == (("web-02",), ("web-03", "web-04", "web-05"), ("web-06", "web-08", "web-01"))
    assert (found.already_at_target, found.unreachable) == (1, 1)


def test_a_wave_in_which_nobody_is_is_left_out() -> None:
    fleet = [matched(1), *(there(number) for number in range(2, 11))]
    assert foretell(fleet, waves=(1, "50%")).waves == (("web-01",),)
    assert foretell(fleet[1:]).waves == ()


@pytest.mark.parametrize(
    ("policy", "window"),
    [
        ({"batch_size": 3}, 3),
        ({"batch_size": 50}, 10),
        ({"batch_size": 50, "waves": (2, 8)}, 6),
        ({"batch_size": 4, "max_unavailable": 2}, 2),
        ({"batch_size": "50%", "max_unavailable": 20}, 5),
    ],
)
def test_the_window_is_the_smallest_cap_at_its_widest(policy: dict[str, object], window: int) -> None:
    assert foretell(healthy(10), **policy).window == window


def test_nothing_happens_where_nobody_is_to_be_told() -> None:
    for fleet in ([there(1), there(2)], [away(1), there(2)]):
        found = foretell(fleet, batch_size=2)
        assert (found.window, found.down_at_once, found.reached) == (0, 0, found.already_at_target)


def test_only_healthy_reachable_ones_at_the_target_are_there_already() -> None:
    at_target = [
        there(1),
        away(2, V2),
        matched(5, V2, reachable=False),
        matched(3, V2, status=Status.DEGRADED),
        matched(4, State(V2.code_version)),
    ]
    assert foretell(at_target).already_at_target == 1


def test_a_version_that_is_left_out_stays_as_it_was_to_be() -> None:
    fleet = [matched(1, State("1", "c2"), desired=State("1", "c1")), matched(2, State("2", "c2"), desired=State("1"))]
    found = forecast(Policy(), State(None, "c2"), fleet, Circumstances())
    assert found.waves == (("web-02",),), "the first is where it will be told to be; the second has drifted"


def test_a_shuffled_order_is_that_of_the_next_deployment() -> None:
    policy, fleet = Policy(order=Ordering.SHUFFLE), healthy(9)
    orders = {forecast(policy, V2, fleet, Circumstances(next_id=number)).waves for number in (1, 2, 3)}
    assert len(orders) == 3
    assert {tuple(sorted(wave)) for (wave,) in orders} == {tuple(each.name for each in fleet)}


def test_too_many_values_to_spread_by_are_refused_as_at_a_trigger() -> None:
    fleet = [matched(number, spread=str(number)) for number in range(1, 102)]
    with pytest.raises(InvalidError, match="spread_by"):
        foretell(fleet, spread_by="rack")


def test_what_is_forced_goes_through_those_at_the_target_too() -> None:
    found = foretell([*healthy(2), there(3), there(4)], batch_size=4, failure_threshold=4, force=True)
    assert (found.already_at_target, [len(wave) for wave in found.waves], found.window) == (0, [4], 4)
    assert (found.reached, found.down_at_once) == (4, 4)
    found = foretell([*healthy(2), there(3), there(4)], force=True)
    assert (found.reached, found.down_at_once) == (3, 1), "two run it before, and one more is told first"
