"""What the model checker remembers by itself of every instance: the evidence for the verdicts that the engine gives.

It follows the words of the design and none of the engine's code. Time is counted in ticks.
"""

import msgspec
from msgspec.structs import replace

from dides.model.deployment import Target, TargetState
from dides.model.instance import Report
from dides.model.policy import Policy
from dides.model.state import Status
from simulation.model_case import ticks


class Evidence(msgspec.Struct, frozen=True, array_like=True):
    """What is known of one instance since it was told last."""

    news: bool = True
    """FAILED says something about this assignment: it was not FAILED then, or has reported another status since."""
    healthy_for: int | None = None
    """For how long it has been HEALTHY at the target; None while it is not."""
    held: bool = False
    """It has been so for `min_healthy_time`, and had not failed before."""
    spoke: bool = False
    """Something was heard of it since it was told, in this attempt or an earlier one: it has read its new state."""
    failed: bool = False
    """It has said FAILED about this assignment."""
    died: bool = False
    """It has said FAILED at the target since it was assigned, or anywhere since it had succeeded."""
    dying: bool = False
    """That is the last that it has said."""
    leaving: bool = False
    """Without `observed`: the last that it has said is that it has left the target, where it had been for long."""
    left: bool = False
    """It had been at the target for long enough, and has said, without doubt, that it runs another version."""
    unsound_for: int = 0
    """How long ago it was HEALTHY at the target last, without pauses and outages; at most `update_timeout`."""
    age: int = 0
    """How long ago it was told, without pauses and outages."""

    def heard(self, report: Report, target: Target, policy: Policy) -> "Evidence":
        """Return the evidence after a heartbeat."""
        if report.observed is not None and report.observed != target.generation:
            return self
        if target.retry_at is not None:
            return replace(self, spoke=True)  # between two attempts nothing else counts
        is_failed = report.status is Status.FAILED
        failed = is_failed and (report.observed is not None or self.news)
        is_there = report.current.meets(target.to)
        arrived = report.status is Status.HEALTHY and is_there
        was_there = target.state is TargetState.SUCCEEDED or target.already or self.held
        dies = is_failed and (is_there or was_there)
        goes = was_there and not is_failed and report.current.contradicts(target.to)
        confirmed = report.observed is not None or self.leaving
        after = replace(
            self,
            news=self.news or not is_failed,
            spoke=True,
            failed=self.failed or failed,
            died=self.died or dies,
            dying=dies,
            leaving=goes and report.observed is None,
            left=self.left or (goes and confirmed),
            unsound_for=0 if arrived else self.unsound_for,
            healthy_for=(self.healthy_for or 0) if arrived else None,
        )
        return after._with_held(policy)

    def silenced(self) -> "Evidence":
        """Return the evidence after a time to live of silence."""
        return replace(self, healthy_for=None)

    def aged(self, policy: Policy, *, running: bool, watched: bool) -> "Evidence":
        """Return the evidence a tick later; `watched`: a coordinator was there."""
        healthy_for = (
            None if self.healthy_for is None else min(self.healthy_for + watched, ticks(policy.min_healthy_time))
        )
        timeout, passed = ticks(policy.update_timeout), running and watched
        age, unsound = min(self.age + passed, timeout), min(self.unsound_for + passed, timeout)
        return replace(self, age=age, unsound_for=unsound, healthy_for=healthy_for)._with_held(policy)

    def _with_held(self, policy: Policy) -> "Evidence":
        held = self.healthy_for is not None and self.healthy_for >= ticks(policy.min_healthy_time)
        return replace(self, held=self.held or (held and not self.failed))
