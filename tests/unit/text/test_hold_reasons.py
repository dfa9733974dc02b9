"""What holds a deployment, in words with its own numbers."""

from typing import Any

import pytest

from dides.engine import window
from dides.model.deployment import Deployment, DeploymentStatus, Outage, Timers, Wave
from dides.model.policy import Policy
from dides.runtime.clock import to_datetime
from dides.text.hold_reasons import hold_of
from dides.text.holds_in_short import IN_SHORT, in_short
from support.builders import NOW, PAUSED, counts, deployment

OVER: dict[str, Any] = {
    "waves": (2, 10),
    "window": 5,
    "counts": counts(pending=8, succeeded=2),
    "wave": Wave(succeeded=2),
}
ROOM: dict[str, Any] = {"window": 5, "counts": counts(pending=8, updating=2, unavailable=4)}
HELD: dict[str, tuple[Deployment, str]] = {
    window.PAUSED: (deployment(**OVER, status=PAUSED, paused_at=NOW), "An operator has paused it."),
    window.PROMOTE: (
        deployment(**OVER, policy=Policy(wave_pause="manual")),
        "Wave 1 of 2 complete. Waiting for approval",
    ),
    window.SOAK: (
        deployment(**OVER, policy=Policy(wave_pause=90), timers=Timers(soaked_at=NOW)),
        "Wave 1 of 2 complete. It soaks for 1 min 30 s before the next",
    ),
    window.HEALTH: (
        deployment(
            **{**OVER, "wave": Wave(succeeded=2, lapsed=1)},
            policy=Policy(wave_pause=90),
            timers=Timers(health_until=NOW),
        ),
        "1 instance that had succeeded in it is not HEALTHY at the target now.",
    ),
    window.WAVE: (
        deployment(window=5, waves=(2, 10), counts=counts(pending=8, updating=1, succeeded=1)),
        "Wave 1 of 2 lets 2 targets start in all, and 1 of them still updates.",
    ),
    window.BATCH_SIZE: (deployment(window=2, counts=counts(pending=8, updating=2)), "Updating 2 of 2."),
    window.MAX_UNAVAILABLE: (
        deployment(**ROOM, max_unavailable=4, blocked_by=window.MAX_UNAVAILABLE),
        "4 instances are updating or not HEALTHY, and 4 may be.",
    ),
    window.OUTAGE: (
        deployment(**ROOM, outage=Outage(since=NOW, base=12)),
        "Most of 12 instances to which nothing is done fell silent at once",
    ),
    window.SPREAD_BY: (
        deployment(**ROOM, policy=Policy(spread_by="zone"), share=2, blocked_by=window.SPREAD_BY),
        "Each value of zone that has targets left has its share of the window: 2 updating.",
    ),
}


@pytest.mark.parametrize("name", window.NAMES)
def test_every_name_is_put_in_words(name: str) -> None:
    its_deployment, words = HELD[name]
    hold = hold_of(its_deployment)
    assert hold is not None
    assert hold.name == name
    assert words in hold.means
    assert hold.release.startswith("It goes on when")


def test_moments_that_are_known_come_along() -> None:
    soak, paused = hold_of(HELD[window.SOAK][0]), hold_of(HELD[window.PAUSED][0])
    health = hold_of(HELD[window.HEALTH][0])
    assert soak is not None
    assert paused is not None
    assert health is not None
    assert soak.until == health.until == paused.since == to_datetime(NOW)


@pytest.mark.parametrize(
    ("states", "means", "release"),
    [
        ({"pending": 3}, "Nothing holds it.", "The next step starts further updates."),
        ({"updating": 1, "succeeded": 3}, "No target is left to start.", "It ends when 1 more target has succeeded"),
        ({"updating": 2, "succeeded": 3}, "No target is left to start.", "It ends when 2 more targets have succeeded"),
        ({"pending": 1, "deferred": 1}, "Only 1 target that cannot be reached is left.", "It ends with the next step."),
        ({"pending": 2, "deferred": 2}, "Only 2 targets that cannot be reached are left.", "It ends with the next"),
    ],
)
def test_nothing_holds_it(states: dict[str, int], means: str, release: str) -> None:
    hold = hold_of(deployment(window=5, counts=counts(**states)))
    assert hold is not None
    assert (hold.name, hold.means) == (None, means)
    assert hold.release.startswith(release)


def test_one_that_has_ended_is_not_held() -> None:
    assert hold_of(deployment(status=DeploymentStatus.FAILED)) is None


def test_every_hold_has_a_short_text() -> None:
    assert set(IN_SHORT) == set(window.NAMES)
    assert [name for name in window.NAMES if in_short(name) == name] == []


def test_a_hold_that_is_unknown_is_said_by_its_name() -> None:
    assert in_short("something new") == "something new"
    assert in_short(None) == ""
