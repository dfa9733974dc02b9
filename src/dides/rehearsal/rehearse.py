"""A rehearsal: one rollout played many times by the real engine. Start here; rehearsal_run.py plays one run.

Only how long an update takes, and whether it fails, is drawn. Each run draws from a source of its own, made from the
seed and the run's number: the numbers depend neither on the order of the runs nor on how many processes share them.
"""

from functools import lru_cache
from random import Random

import msgspec

from dides.model.plan import Plan
from dides.model.policy import Policy
from dides.rehearsal.fleet import NEW, Group, arrange, instances_of, spread_of
from dides.rehearsal.rollout import Ledger
from dides.rehearsal.run import Chances, Outcome, Run


class Rehearsal(msgspec.Struct, frozen=True, kw_only=True):
    """The rollout to rehearse."""

    fleet: tuple[Group, ...]
    policy: Policy
    chances: Chances
    seed: int = 0


class Triggered(msgspec.Struct, frozen=True):
    """A deployment after its first step; every run begins with a copy of it."""

    ledger: Ledger
    plan: Plan


@lru_cache(maxsize=1)
def trigger(fleet: tuple[Group, ...], policy: Policy, seed: int) -> Triggered:
    """Trigger the rollout to this fleet at moment 0.

    Raises InvalidError when the instances have more values of `spread_by` than can be spread over.
    """
    places = arrange(fleet, seed)
    ledger = Ledger(instances_of(places))
    return Triggered(ledger, ledger.trigger(NEW, policy, spread_of(places)))


def rehearse_once(rehearsal: Rehearsal, number: int) -> Outcome:
    """Play one run; the same number gives the same outcome. InvalidError as `trigger` raises it."""
    triggered = trigger(rehearsal.fleet, rehearsal.policy, rehearsal.seed)
    random = Random(f"{rehearsal.seed} run {number}")  # noqa: S311 - a simulation, no secret
    return Run(triggered.ledger.copy(), triggered.plan, rehearsal.chances, random).to_end()
