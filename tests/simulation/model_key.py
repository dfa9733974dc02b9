"""When two states of the model are the same: when nothing that can happen later tells them apart.

Moments are taken relative to now (in a pause also to its beginning), and what has come has come. Left out is what no
rule looks at any more: the wording of reasons, what a finished target waited for, what an instance reports whose status
will not be asked for again.
"""

import msgspec
from msgspec import UNSET

from dides.agent.persisted import Standing
from dides.model.deployment import Deployment, Kind, Target, TargetState
from dides.model.instance import Instance
from dides.model.state import State, Status
from dides.protocol.messages import Heartbeat
from simulation.model_agent import SICK, Agent
from simulation.model_world import World

Moments = tuple[int, ...]
"""Now, and in a pause also its beginning, since which most timers stand still."""


def key_of(world: World) -> bytes:
    """Return what tells a state from every other one of its case."""
    ledger = world.ledger
    its, now = ledger.its_deployment, ledger.now
    moments = (now,) if its.paused_at is None else (now, its.paused_at)
    order = sorted(ledger.targets.values(), key=lambda each: each.position)
    targets = [(each.id, each.state, each.id in ledger.marked, *_target(world, each, moments)) for each in order]
    return msgspec.msgpack.encode(
        (
            _deployment(its, moments),
            (max(0, ledger.quiet_until - now), ledger.quiet_until > 0),
            targets,
            [_instance(each, ledger.targets.get(each.id), its) for each in ledger.instances.values()],
            [_agent(each) for each in world.agents.values()],
            [(number, *_heartbeat(late), overtaken) for number, late, overtaken in world.late_heartbeats],
            [(number, each.generation, _state(each.desired)) for number, each in world.late_answers],
            world.calm if world.case.policy.waves else 0,
            world.ran if its.kind is Kind.DEPLOY else 0,
            world.left,
        )
    )


def _deployment(its: Deployment, since: Moments) -> tuple[object, ...]:
    timers = its.timers
    waits = (
        timers.deadline_at,
        timers.soaked_at,
        timers.blocked_until,
        timers.health_until,
        None if timers.deadline_at is None else timers.waiting_since,
    )
    moments = [_until(moment, since) for moment in waits]
    wave = (its.wave.open, its.wave.began_with, its.wave.succeeded, timers.waiting_since is not None)
    return its.id, its.status, wave, moments, its.counts.unavailable


def _target(world: World, target: Target, since: Moments) -> tuple[object, ...]:
    evidence = world.evidence[target.id]
    if target.state is TargetState.PENDING:
        return (target.deferred, _state(target.to))
    returns_to = _returns_to(target, world.ledger.its_deployment)
    if target.state is TargetState.SUCCEEDED:
        ends = (target.lapse, _until(target.deadline_at, since), evidence.unsound_for if target.deadline_at else 0)
        said = (evidence.died, evidence.dying, evidence.leaving, evidence.left)
        return (returns_to, target.wave, said, ends, _report(target))
    if target.already:
        return (returns_to, target.lapse)
    if target.state is not TargetState.UPDATING:
        return (returns_to,)
    # With `observed`, whether FAILED is news is not asked for.
    news = not world.case.observing and (target.failure_is_news, evidence.news)
    # A pause stops the first two, and a retry that is put off in it counts from its beginning; the third runs on.
    moments = (
        _until(target.deadline_at, since),
        _until(target.retry_at, since[-1:]),
        _until(target.healthy_at, since[:1]),
    )
    known = (
        evidence.healthy_for,
        evidence.held,
        evidence.failed,
        evidence.died,
        evidence.dying,
        evidence.leaving,
        evidence.left,
        evidence.unsound_for if evidence.held else 0,
        evidence.age,
        evidence.spoke,
    )
    return (returns_to, target.wave, news, moments, known, target.attempt, target.has_read, _report(target))


def _returns_to(target: Target, its: Deployment) -> tuple[str | None, ...]:
    if its.kind is Kind.ROLLBACK:
        return (_state(target.earlier),)
    return _state(target.last_good), _state(target.before), _state(target.earlier)


def _report(target: Target) -> tuple[bool, bool] | None:
    report = target.report
    return None if report is None else (report.status is Status.FAILED, report.current.meets(target.to))


def _instance(instance: Instance, target: Target | None, its: Deployment) -> tuple[object, ...]:
    kept = (_state(instance.desired), instance.generation, instance.reachable)
    if its.kind is Kind.ROLLBACK and (target is None or target.state is not TargetState.PENDING):
        return kept
    if target is not None and target.state is TargetState.PENDING:
        return (*kept, instance.status, _state(instance.current), _state(instance.last_good))
    return (*kept, instance.status)


def _agent(agent: Agent) -> tuple[object, ...]:
    told = agent.told and (agent.told.generation, _state(agent.told.desired), agent.told.apply)
    checked = None if agent.checked is None else agent.checked is SICK
    return (*_standing(agent.standing), agent.applying, checked, told, agent.dead)


def _standing(standing: Standing) -> tuple[object, ...]:
    attempt = standing.attempt
    tried = attempt and (_state(attempt.target), attempt.failure, attempt.begun)
    return standing.generation, _state(standing.applied), tried


def _heartbeat(heartbeat: Heartbeat) -> tuple[object, ...]:
    observed = None if heartbeat.observed is UNSET else heartbeat.observed
    return heartbeat.code_version, heartbeat.status, observed


def _state(state: State | None) -> str | None:
    return None if state is None else state.code_version or ""


def _until(moment: int | None, since: Moments) -> list[int] | None:
    return None if moment is None else [max(0, moment - each) for each in since]
