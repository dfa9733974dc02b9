"""`held_by`: what keeps the next target from being told, so that nobody wonders why nothing happens."""

from typing import Any

import pytest

from dides.engine.reconcile import reconcile
from dides.engine.window import held_by
from dides.model.deployment import Deployment, DeploymentStatus, Wave
from dides.model.plan import Candidate
from dides.model.policy import Policy
from dides.model.state import Status
from support.builders import PAUSED, candidate, counts, deployment, instance, pending, snapshot

MANUAL, SOAK = Policy(wave_pause="manual"), Policy(wave_pause=60)
WAVE_OVER: dict[str, Any] = {
    "waves": (2, 10),
    "window": 5,
    "counts": counts(pending=8, succeeded=2),
    "wave": Wave(succeeded=2),
}


@pytest.mark.parametrize(
    ("name", "its_deployment"),
    [
        ("batch_size", deployment(window=2, counts=counts(pending=8, updating=2))),
        ("wave", deployment(window=5, waves=(2, 10), counts=counts(pending=8, updating=2))),
        ("wave", deployment(window=5, waves=(2, 10), counts=counts(pending=8, updating=1, failed=1), threshold=2)),
        ("wave", deployment(window=2, waves=(2, 10), counts=counts(pending=8, updating=2))),  # of equals, the wave
        ("batch_size", deployment(window=1, waves=(2, 10), counts=counts(pending=9, updating=1))),
        ("soak", deployment(**WAVE_OVER, policy=SOAK)),
        ("promote", deployment(**WAVE_OVER, policy=MANUAL)),
        ("paused", deployment(**WAVE_OVER, policy=MANUAL, status=PAUSED)),
        ("paused", deployment(window=2, counts=counts(pending=10), status=PAUSED)),
    ],
)
def test_it_names_the_smallest_cap(name: str, its_deployment: Deployment) -> None:
    assert held_by(its_deployment) == name


@pytest.mark.parametrize("policy", [Policy(), SOAK, MANUAL])
def test_the_last_wave_holds_nothing(policy: Policy) -> None:
    last = deployment(window=2, waves=(1, 10), wave=Wave(open=2, began_with=1), policy=policy)
    updating_two = counts(pending=7, succeeded=1, updating=2)
    assert held_by(_with_counts(last, pending=8, succeeded=1, updating=1)) is None
    assert held_by(deployment(window=2, waves=(1, 10), wave=last.wave, counts=updating_two)) == "batch_size"


def _with_counts(its: Deployment, **states: int) -> Deployment:
    return deployment(window=its.window, waves=its.waves, wave=its.wave, policy=its.policy, counts=counts(**states))


def test_max_unavailable_is_named_when_it_left_a_candidate_though_a_slot_was_free() -> None:
    its_deployment = deployment(window=5, max_unavailable=1, counts=counts(pending=3, unavailable=1))
    after = reconcile(snapshot(its_deployment, [candidate(1)])).deployment
    assert held_by(after) == "max_unavailable"


def test_spread_by_is_named_when_it_left_a_candidate_though_a_slot_was_free() -> None:
    its_deployment = deployment(window=4, share=1, spread={"a": 0, "b": 0}, counts=counts(pending=3))
    line = [Candidate(pending(number, spread="a"), instance(number)) for number in (1, 2, 3)]
    assert held_by(reconcile(snapshot(its_deployment, line)).deployment) == "spread_by"


def test_of_two_that_left_candidates_the_first_is_named() -> None:
    its_deployment = deployment(
        window=4, share=1, spread={"a": 1, "b": 0}, max_unavailable=1, counts=counts(pending=3, unavailable=1)
    )
    in_a, in_b = (Candidate(pending(number, spread=zone), instance(number)) for number, zone in ((1, "a"), (2, "b")))
    assert held_by(reconcile(snapshot(its_deployment, [in_a, in_b])).deployment) == "spread_by"
    assert held_by(reconcile(snapshot(its_deployment, [in_b, in_a])).deployment) == "max_unavailable"


def test_what_held_the_last_step_is_forgotten_once_candidates_are_told_again() -> None:
    its_deployment = deployment(
        window=5, max_unavailable=1, blocked_by="max_unavailable", counts=counts(pending=1, unavailable=1)
    )
    after = reconcile(snapshot(its_deployment, [candidate(1, status=Status.FAILED)])).deployment
    assert after.blocked_by is None
    assert held_by(after) is None


def test_a_full_window_is_named_before_what_blocked_the_last_step() -> None:
    full = deployment(window=1, blocked_by="max_unavailable", counts=counts(pending=3, updating=1))
    assert held_by(full) == "batch_size"


@pytest.mark.parametrize(
    ("why", "its_deployment"),
    [
        ("slots are free", deployment(window=2, counts=counts(pending=3, updating=1))),
        ("nothing is pending", deployment(window=1, counts=counts(updating=1))),
        ("only unreachable ones are pending", deployment(counts=counts(pending=2, deferred=2, updating=1))),
        ("it has ended", deployment(status=DeploymentStatus.FAILED, counts=counts(skipped=3))),
    ],
)
def test_nothing_holds_it_when(why: str, its_deployment: Deployment) -> None:
    assert held_by(its_deployment) is None, why
