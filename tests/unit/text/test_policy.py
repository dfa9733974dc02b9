"""A policy in words, and how far each wave is."""

from typing import Any

import pytest

from dides.model.deployment import DeploymentStatus, Wave
from dides.model.policy import Ordering, Policy
from dides.text.policy import policy_facts, wave_facts
from support.builders import PAUSED, counts, deployment, rollback

FAILED = DeploymentStatus.FAILED
EVERYTHING = Policy(
    batch_size="25%",
    failure_threshold="10%",
    waves=(1,),
    wave_pause=90,
    min_healthy_time=5,
    update_timeout=300,
    deadline=7200,
    max_unavailable="20%",
    spread_by="zone",
    retries=2,
    order=Ordering.SHUFFLE,
    auto_rollback=False,
    force=True,
)


def test_every_setting_has_words() -> None:
    facts = dict(policy_facts(deployment(policy=EVERYTHING, window=5, waves=(1, 20), share=2, max_unavailable=4)))
    assert facts == {
        "batch_size": "at most 5 targets updating at once (25% of the matched)",
        "update_timeout": "an update fails when it is not HEALTHY after 5 min",
        "failure_threshold": "stops when 1 target has failed (10% of the open wave)",
        "wave_pause": "a wave that is over is watched for 1 min 30 s",
        "min_healthy_time": "HEALTHY for 5 s before it has succeeded",
        "deadline": "fails as a whole after 2 h",
        "max_unavailable": "at most 4 instances updating or not HEALTHY at once (20% of the matched)",
        "spread_by": "the window is taken evenly over the values of zone, 2 each",
        "retries": "a failed attempt is repeated 2 times",
        "order": "shuffled, not by name",
        "force": "those at the target are updated, too",
        "auto_rollback": "not rolled back by itself when it fails",
    }
    assert set(facts) == set(Policy.__struct_fields__) - {"waves"}, "the waves are shown by themselves"


def test_settings_without_a_bearing_are_left_out() -> None:
    names = [name for name, _ in policy_facts(deployment())]
    assert names == ["batch_size", "update_timeout", "failure_threshold", "auto_rollback"]
    assert [name for name, _ in policy_facts(rollback())] == ["batch_size", "update_timeout", "failures"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"counts": counts(pending=9, updating=1)}, [(1, 1, "open"), (4, 0, "to come"), (5, 0, "to come")]),
        ({"counts": counts(pending=9, succeeded=1)}, [(1, 1, "over"), (4, 0, "to come"), (5, 0, "to come")]),
        (
            {"counts": counts(pending=6, succeeded=2, updating=2), "wave": Wave(open=2, began_with=1)},
            [(1, 1, "over"), (4, 3, "open"), (5, 0, "to come")],
        ),
        (
            {"counts": counts(pending=1, succeeded=9), "wave": Wave(open=3, began_with=5), "status": PAUSED},
            [(1, 1, "over"), (4, 4, "over"), (5, 4, "open")],
        ),
        (
            {"counts": counts(succeeded=10), "wave": Wave(open=3, began_with=5), "status": DeploymentStatus.COMPLETED},
            [(1, 1, "over"), (4, 4, "over"), (5, 5, "over")],
        ),
        (
            {"counts": counts(skipped=8, failed=2), "wave": Wave(open=2, began_with=1), "status": FAILED},
            [(1, 1, "over"), (4, 1, "stopped"), (5, 0, "never opened")],
        ),
    ],
)
def test_how_far_each_wave_is(changes: dict[str, Any], expected: list[tuple[int, int, str]]) -> None:
    facts = wave_facts(deployment(waves=(1, 5, 10), **changes))
    assert [(each.size, each.started, each.state) for each in facts] == expected
    assert [each.up_to for each in facts] == [1, 5, 10]


def test_one_wave_is_none() -> None:
    assert wave_facts(deployment(counts=counts(pending=10))) == []
