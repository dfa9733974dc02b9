"""What may happen in a state of the model, and what it makes of it."""

from collections.abc import Callable

from msgspec.structs import replace

from dides.agent.report import HEALTHY
from dides.engine.waves import why_not_promoted
from dides.model.deployment import DeploymentStatus, Kind
from simulation.model_agent import SICK, Agent
from simulation.model_case import TICK
from simulation.model_world import World

Event = tuple[str, int]
"""What happens, and to which instance (0: to none), or with which of the late messages."""


def events(world: World) -> list[Event]:
    """Return everything that may happen next."""
    deployment = world.ledger.its_deployment
    found: list[Event] = [("step", 0), ("tick", 0)]
    if deployment.status is DeploymentStatus.PAUSED:
        found.append(("resume", 0))
    elif deployment.policy.wave_pause == "manual" and why_not_promoted(deployment) is None:
        found.append(("promote", 0))
    for number, agent in world.agents.items():
        found += [(event, number) for event in _events_of(world, number, agent)]
    found += [("a late heartbeat arrives", place) for place in range(len(world.late_heartbeats))]
    found += [("a late answer arrives", place) for place in range(len(world.late_answers))]
    return found + (_disruptions(world) if world.left else [])


def after(world: World, event: Event) -> World:
    """Return the world once this has happened."""
    kind, number = event
    changed = world.copy(with_ledger=kind not in AMONG_AGENTS)
    if kind in DISRUPTIONS:
        changed.left -= 1
    HAPPENINGS[kind](changed, number)
    if changed.ledger is not world.ledger:
        changed.weigh(world, kind)
    return changed


def _events_of(world: World, number: int, agent: Agent) -> list[str]:
    instance = world.ledger.instances[number]
    if agent.dead:
        return ["falls silent"] if _may_fall_silent(world, number) else []
    found = ["reports"]
    unread = instance.generation not in (agent.standing.generation, agent.told and agent.told.generation)
    if unread or (agent.standing.dirty and not agent.standing.failed and not agent.applying):
        found.append("reads")
    if agent.applying:
        found += ["applied", "failed to apply"]
    elif agent.checked is None or agent.checked is SICK:
        found.append("is well")
    return found


def _disruptions(world: World) -> list[Event]:
    asked, deployment = world.case.disruptions, world.ledger.its_deployment
    found: list[Event] = [(each, 0) for each in ("outage", "long outage") if each in asked]
    if "pause" in asked and deployment.status is DeploymentStatus.RUNNING:
        found.append(("pause", 0))
    found += [("abort", 0)] if "abort" in asked else []
    found += [("abort and roll back", 0)] if "abort" in asked and deployment.kind is Kind.DEPLOY else []
    for number, agent in world.agents.items():
        possible = [] if agent.dead else DISRUPTIONS_OF_AGENTS
        found += [(each, number) for each in possible if each in asked and _can(world, each, number)]
    return found


def _can(world: World, kind: str, number: int) -> bool:
    if kind == "is cut off":
        return _may_fall_silent(world, number)
    agent = world.agents[number]
    return kind != "sickens" or (not agent.applying and agent.checked is not SICK)


def _may_fall_silent(world: World, number: int) -> bool:
    return world.ledger.instances[number].reachable and world.ledger.now >= world.ledger.quiet_until


def _agent(change: Callable[[World, Agent, int], Agent]) -> Callable[[World, int], None]:
    def happen(world: World, number: int) -> None:
        world.agents[number] = change(world, world.agents[number], number)

    return happen


def _step(world: World, _: int) -> None:
    world.ledger.step()


def _promote(world: World, _: int) -> None:
    world.ledger.promote()


def _tick(world: World, _: int) -> None:
    world.ledger.now += TICK


def _falls_silent(world: World, number: int) -> None:
    world.evidence[number] = world.evidence[number].silenced()
    world.ledger.declare_unreachable(number)


def _outage(world: World, away: int) -> None:
    """A coordinator is killed and another one starts: all that was not in the store is gone, which is nothing."""
    world.ledger.now += away
    world.ledger.recover(away, quiet_until=world.ledger.now + TICK)


def _late_heartbeat(world: World, place: int) -> None:
    number, heartbeat, overtaken = world.late_heartbeats[place]
    world.late_heartbeats = world.late_heartbeats[:place] + world.late_heartbeats[place + 1 :]
    if not (world.case.observing and overtaken):  # Agents number their reports, so that nobody takes an old one in.
        world.hear(number, heartbeat)


def _late_answer(world: World, place: int) -> None:
    number, directive = world.late_answers[place]
    world.late_answers = world.late_answers[:place] + world.late_answers[place + 1 :]
    if not world.agents[number].dead:
        world.agents[number] = world.agents[number].hear(directive)


def _send_late(world: World, number: int) -> None:
    world.late_heartbeats += ((number, world.agents[number].heartbeat(), False),)


def _answer_late(world: World, number: int) -> None:
    world.late_answers += ((number, world.answer(number)),)


HAPPENINGS: dict[str, Callable[[World, int], None]] = {
    "step": _step,
    "tick": _tick,
    "resume": lambda world, _: world.ledger.resume(),
    "promote": _promote,
    "reports": lambda world, number: world.hear(number, world.agents[number].heartbeat()),
    "reads": _agent(lambda world, agent, number: agent.hear(world.answer(number))),
    "applied": _agent(lambda _, agent, __: agent.end_apply(None)),
    "failed to apply": _agent(lambda _, agent, __: agent.end_apply("exit status 1")),
    "is well": _agent(lambda _, agent, __: replace(agent, checked=HEALTHY)),
    "falls silent": _falls_silent,
    "a late heartbeat arrives": _late_heartbeat,
    "a late answer arrives": _late_answer,
    "pause": lambda world, _: world.ledger.pause(),
    "abort": lambda world, _: world.ledger.abort(),
    "abort and roll back": lambda world, _: world.ledger.abort(rollback=True),
    "outage": lambda world, _: _outage(world, 0),
    "long outage": lambda world, _: _outage(world, TICK),
    "is cut off": _falls_silent,
    "sickens": _agent(lambda _, agent, __: replace(agent, checked=SICK)),
    "is killed": _agent(lambda _, agent, __: agent.restarted()),
    "dies": _agent(lambda _, agent, __: replace(agent.restarted(), dead=True)),
    "sends late": _send_late,
    "is answered late": _answer_late,
}
DISRUPTIONS_OF_AGENTS = ("is cut off", "sickens", "is killed", "dies", "sends late", "is answered late")
DISRUPTIONS = frozenset({"pause", "abort", "abort and roll back", "outage", "long outage", *DISRUPTIONS_OF_AGENTS})
FAIR = ("step", "tick", "resume", "promote")
"""What happens again and again in every run, whatever the instances do: coordinator, time, operator."""
AMONG_AGENTS = frozenset(
    {
        *("reads", "applied", "failed to apply", "is well", "a late answer arrives"),
        *("sickens", "is killed", "dies", "sends late", "is answered late"),
    }
)
"""What changes nothing of what the coordinator knows."""
