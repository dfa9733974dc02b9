"""When convergence from a source stops, and what lets it go on."""

import msgspec
import pytest

from dides.engine.brake import fared, is_stopped, limit_of, released, replaces
from dides.model.deployment import Brake, Deployment
from dides.model.state import State
from support.builders import NOW, deployment


def source(threshold: int = 5, window: int = 10, **brake: int) -> Deployment:
    return deployment(threshold=threshold, window=window, waves=(100,), brake=Brake(**brake))


@pytest.mark.parametrize(
    ("threshold", "window", "arrived", "limit"),
    [
        (5, 10, 0, 5),
        (5, 2, 0, 2),
        (1, 10, 0, 1),
        (1, 10, 1, 3),
        (5, 2, 1, 3),
        (5, 10, 7, 5),
    ],
)
def test_the_limit(threshold: int, window: int, arrived: int, limit: int) -> None:
    assert limit_of(source(threshold, window, arrived=arrived)) == limit


def test_at_the_limit_it_stops_and_not_before() -> None:
    going = fared(source(threshold=2), arrived=0, failed=1, now=NOW)
    assert not is_stopped(going)
    stopped = fared(going, arrived=0, failed=1, now=NOW)
    assert stopped.brake == Brake(arrived=0, failed=2, stopped_at=NOW)
    assert fared(stopped, arrived=0, failed=1, now=NOW + 5).brake.stopped_at == NOW


def test_an_arrival_begins_the_count_anew() -> None:
    going = fared(source(threshold=4, failed=3), arrived=1, failed=0, now=NOW)
    assert going.brake == Brake(arrived=1, failed=0)
    assert not is_stopped(fared(going, arrived=0, failed=3, now=NOW))
    assert is_stopped(fared(going, arrived=0, failed=4, now=NOW))


def test_those_that_fail_together_with_an_arrival_count() -> None:
    assert fared(source(threshold=4, failed=3), arrived=1, failed=2, now=NOW).brake == Brake(arrived=1, failed=2)


def test_an_arrival_alone_lets_nothing_go_on_that_has_stopped() -> None:
    stopped = fared(source(threshold=1), arrived=0, failed=1, now=NOW)
    assert is_stopped(fared(stopped, arrived=1, failed=0, now=NOW))


def test_released_it_counts_anew() -> None:
    going = released(source(threshold=1, arrived=2, failed=3, stopped_at=NOW))
    assert going.brake == Brake(arrived=2)


V2, BOTH = State("2"), State("2", "c")


@pytest.mark.parametrize(
    ("newer", "older", "expected"),
    [
        ({"to": State("3")}, {"to": V2}, True),
        ({"to": State("3")}, {"to": BOTH}, False),
        ({"to": State("3", "d")}, {"to": V2}, True),
        ({"labels": {}}, {"labels": {"env": "prod"}}, True),
        ({"labels": {"env": "prod"}}, {"labels": {}}, False),
        ({"labels": {"env": "test"}}, {"labels": {"env": "prod"}}, False),
        ({"selector": None}, {"selector": "a"}, True),
        ({"selector": "a"}, {"selector": "a"}, True),
        ({"selector": "a"}, {"selector": None}, False),
        ({"id": 41}, {"id": 42}, False),
    ],
)
def test_what_nobody_inherits_any_more(newer: dict[str, object], older: dict[str, object], expected: bool) -> None:
    usual = deployment(to=V2)
    newer_one = msgspec.structs.replace(usual, **{"id": 43, **newer})
    older_one = msgspec.structs.replace(usual, **{"id": 42, **older})
    assert replaces(newer_one, older_one) is expected
