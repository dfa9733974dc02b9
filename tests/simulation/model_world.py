"""One state of the model: a ledger, the agents, the messages on their way, and what the checker remembers."""

from typing import Self

from msgspec import UNSET

from dides.agent.persisted import Standing
from dides.engine.ordering import in_order
from dides.model.deployment import DeploymentStatus
from dides.model.instance import Instance, Report
from dides.model.state import State, Status
from dides.protocol.messages import Directive, Heartbeat
from dides.rehearsal.new_deployments import matched_of, new_deployment, new_targets
from dides.rehearsal.rollout import Ledger
from simulation.model_agent import Agent
from simulation.model_case import GENERATION, V1, V2, Case, ticks
from simulation.model_evidence import Evidence


class World:
    """A state of the model. Whoever changes one has made a copy first."""

    def __init__(self, case: Case) -> None:
        numbers = range(1, case.instances + 1)
        self.case = case
        self.ledger = Ledger(_instance(number, case.earlier) for number in numbers)
        standing = Standing(generation=GENERATION, applied=V1)
        self.agents = {number: Agent(standing=standing, observing=case.observing) for number in numbers}
        self.late_heartbeats: tuple[tuple[int, Heartbeat, bool], ...] = ()
        """Whose, what it says, and whether a later one of the same agent has overtaken it."""
        self.late_answers: tuple[tuple[int, Directive], ...] = ()
        self.left = case.at_most
        self.evidence = dict.fromkeys(numbers, Evidence())
        self._trigger()
        self.calm = 0
        """For how many ticks none has been updating while the deployment was running."""
        self.ran = 0
        """For how many ticks the deployment has been running, as far as its deadline asks."""

    def _trigger(self) -> None:
        """Begin the deployment as `Ledger.trigger` does, but for its first step, which is checked like any other."""
        matched = [matched_of(each, "") for each in self.ledger.instances.values()]
        self.ledger.deployment = new_deployment(1, V2, self.case.policy, matched, self.ledger.now)
        self.ledger._line_up(new_targets(in_order(matched, self.case.policy, 1), V2))

    def copy(self, *, with_ledger: bool) -> Self:
        """Return a world that goes its own way from here; without its ledger only as long as that does not change."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.agents, other.evidence = self.agents.copy(), self.evidence.copy()
        if with_ledger:
            other.ledger = self.ledger.copy()
        return other

    def answer(self, number: int) -> Directive:
        """Return what the coordinator answers an instance now."""
        instance = self.ledger.instances[number]
        return Directive(
            name=instance.name,
            desired=instance.desired,
            generation=instance.generation,
            deployment_id=None,
            update_needed=False,
            heartbeat_interval=10,
        )

    def hear(self, number: int, heartbeat: Heartbeat) -> None:
        """Let the coordinator take a heartbeat in; those of the same agent that are still under way come too late."""
        self.late_heartbeats = tuple(
            (sender, late, overtaken or sender == number) for sender, late, overtaken in self.late_heartbeats
        )
        report = _report(heartbeat, self.ledger.now)
        target = self.ledger.targets.get(number)
        if target is not None:
            self.evidence[number] = self.evidence[number].heard(report, target, self.ledger.its_deployment.policy)
        self.ledger.ingest(number, report)

    def weigh(self, before: Self, kind: str) -> None:
        """Keep the evidence up to date: what the checker remembers by itself."""
        running = before.ledger.its_deployment.status is DeploymentStatus.RUNNING
        same = self.ledger.its_deployment.id == before.ledger.its_deployment.id
        for number, instance in self.ledger.instances.items():
            target = self.ledger.targets.get(number)
            spoke = self.evidence[number].spoke and same and number in before.ledger.updating
            if instance.generation != before.ledger.instances[number].generation or target is None:
                self.evidence[number] = Evidence(news=instance.status is not Status.FAILED, spoke=spoke)
            elif target.retry_at is not None:
                self.evidence[number] = Evidence(spoke=spoke)
            elif kind in ("tick", "long outage"):
                policy = self.ledger.its_deployment.policy
                self.evidence[number] = self.evidence[number].aged(policy, running=running, watched=kind == "tick")
        if kind == "tick" and running:
            self.calm = min(self.calm + 1, 2)
            self.ran = min(self.ran + 1, ticks(self.case.policy.deadline or 0))
        if self.ledger.updating:
            self.calm = 0


def _instance(number: int, desired: State | None) -> Instance:
    return Instance(
        id=number,
        name=f"web-{number}",
        ip="192.0.2.1",
        labels={},
        registered_at=0,
        status=Status.HEALTHY,
        current=V1,
        desired=desired,
        last_good=V1,
        generation=GENERATION,
    )


def _report(heartbeat: Heartbeat, now: int) -> Report:
    """Return a heartbeat that leaves nothing out but perhaps `observed` as the coordinator takes it in."""
    assert heartbeat.code_version is not UNSET
    assert heartbeat.configuration_version is not UNSET
    assert heartbeat.status is not UNSET
    return Report(
        at=now,
        status=heartbeat.status,
        current=State(heartbeat.code_version, heartbeat.configuration_version),
        observed=None if heartbeat.observed is UNSET else heartbeat.observed,
    )
