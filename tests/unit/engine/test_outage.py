"""When a silence is an outage, and when that is over."""

import pytest

from dides.engine.outage import Silence, begun, ended, reviewed
from dides.model.deployment import Outage

CUT = 1_000
LIMIT = 3_600_000


@pytest.mark.parametrize(
    ("reachable", "silent", "is_one"),
    [
        (0, 0, False),
        (0, 1, False),
        (0, 2, True),
        (1, 2, False),
        (1, 4, False),
        (4, 5, True),
        (5, 5, False),
        (14, 16, True),
        (15, 15, False),
        (90, 10, False),
    ],
)
def test_most_of_many_or_all_of_a_few_are_silent_in_an_outage(reachable: int, silent: int, *, is_one: bool) -> None:
    outage = begun(Silence(reachable, silent, CUT if silent else None))
    assert outage == (Outage(since=CUT, base=reachable + silent) if is_one else None)


def test_it_lasts_until_half_are_heard_of_again() -> None:
    outage = Outage(since=CUT, base=10)
    assert reviewed(outage, 6, CUT, LIMIT) == outage
    assert reviewed(outage, 5, CUT, LIMIT) is None


def test_it_is_over_once_it_has_lasted_for_the_limit_and_only_then_may_another_one_begin() -> None:
    outage = Outage(since=CUT, base=10)
    assert reviewed(outage, 10, CUT + LIMIT - 1, LIMIT) == outage
    over = reviewed(outage, 10, CUT + LIMIT, LIMIT)
    assert over == ended(outage)
    assert over is not None
    assert over.over
    assert reviewed(over, 6, CUT + LIMIT, LIMIT) == over
    assert reviewed(over, 5, CUT + LIMIT, LIMIT) is None
