"""What a seed stands for, as frozen values: who takes part, what operators want, and what gets in the way.

Everything is drawn before a world begins (draw.py), so that a failing scenario can be written down, made smaller and
played again. Times are seconds since the beginning of the world.
"""

from enum import StrEnum
from typing import TypeAlias

import msgspec

from dides.model.policy import Policy


class Character(StrEnum):
    """What an instance's agent is like."""

    HONEST = "honest"
    FLAPPING = "flapping"
    """Its checks say one thing now and another a moment later."""
    FIRST_DOCUMENT = "first-document"
    """A plain client: heartbeats only, each with some of the fields, and never `observed`."""
    BOASTER = "boaster"
    """Reports HEALTHY at whatever it is told, and applies nothing."""
    FABULIST = "fabulist"
    """Reports whatever comes to its mind."""
    FORGER = "forger"
    """Works, but says that it acts on some other generation."""


LIARS = (Character.BOASTER, Character.FABULIST, Character.FORGER)


class Weather(msgspec.Struct, frozen=True):
    """What the network is like."""

    loss: float = 0.0
    """How likely it is that a message is lost."""
    doubling: float = 0.0
    """How likely it is that a heartbeat arrives twice."""
    delay: float = 0.02
    """Seconds that most messages take at the most."""
    seldom: float = 0.5
    """Seconds that one in thirty takes at the most: long enough to be overtaken."""


class Moment(StrEnum):
    """Where in a unit of work a process is killed."""

    STATEMENT = "statement"
    """Before a statement that writes."""
    COMMIT = "commit"
    """While the commit is being written: a part of it is on the disk."""
    ANSWER = "answer"
    """After the commit, before anybody is told."""


class MachineSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One machine and the agent on it."""

    name: str
    labels: dict[str, str]
    character: Character = Character.HONEST
    runs: tuple[str | None, str | None] = ("0", "c0")
    """The code and the configuration that it has at first."""
    arrives_at: float = 0.0
    apply_seconds: float = 8.0
    rate: float = 1.0
    """How fast its clock runs."""
    fails_at: tuple[str, ...] = ()
    """Versions whose apply fails."""
    sickens_at: tuple[str, ...] = ()
    """Versions with which its check says FAILED."""
    sickens_after: float = 0.0
    """Seconds after an apply until the check notices."""
    limps_at: tuple[str, ...] = ()
    """Versions with which its check says DEGRADED."""
    dies_at: tuple[str, ...] = ()
    """Versions that it does not survive being told."""
    falls_back_from: tuple[str, ...] = ()
    """Versions that it leaves once, by a reboot into what it ran before, as A/B updaters do."""
    falls_back_after: float = 0.0
    """Seconds after an apply until it does."""


class PlannedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment that an operator wants, and asks for until it is accepted or hopeless."""

    at: float
    labels: dict[str, str]
    policy: Policy
    code_version: str | None = None
    configuration_version: str | None = None


class Disruption(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Something that gets in the way."""

    at: float


class CrashCoordinator(Disruption, frozen=True, kw_only=True):
    """Kill a coordinator between two writes, and start it again later."""

    coordinator: str
    statements: int
    """How many statements that write it lives on for."""
    moment: Moment
    part: float
    """How much of a torn commit is on the disk."""
    seconds: float
    """How long it is down."""


class KillCoordinator(Disruption, frozen=True, kw_only=True):
    """Kill a coordinator at a moment, whatever it is doing, and start it again later."""

    coordinator: str
    seconds: float


class StopCoordinator(Disruption, frozen=True, kw_only=True):
    """Stop a coordinator in an orderly way, and start it again later."""

    coordinator: str
    seconds: float


class FreezeCoordinator(Disruption, frozen=True, kw_only=True):
    """Let a coordinator stand still for a while."""

    coordinator: str
    seconds: float


class StoreAway(Disruption, frozen=True, kw_only=True):
    """Keep a coordinator from its database for a while."""

    coordinator: str
    seconds: float


class LoseOutcomes(Disruption, frozen=True, kw_only=True):
    """Break a coordinator's connection in the middle of its next commits: it never learns whether they were done."""

    coordinator: str
    commits: tuple[bool, ...]
    """Of each of them whether it was done."""
    seconds: float
    """How long it asks before it gives up."""


class BreakFeed(Disruption, frozen=True, kw_only=True):
    """Keep from a coordinator what the others write, and let it catch up later."""

    coordinator: str
    seconds: float
    everything: bool
    """It is told of every instance then, and not only of those that have changed."""


class Part(Disruption, frozen=True, kw_only=True):
    """Let nothing through between some machines and some coordinators, in one direction or both."""

    machines: tuple[str, ...]
    coordinators: tuple[str, ...]
    seconds: float
    requests: bool = True
    answers: bool = True


class Storm(Disruption, frozen=True, kw_only=True):
    """Make the network worse for a while."""

    weather: Weather
    seconds: float


class CrashMachine(Disruption, frozen=True, kw_only=True):
    """Kill an agent, and start it again later; None: never."""

    machine: str
    seconds: float | None
    applying: bool = False
    """Wait until it is in the middle of an apply."""


class ReplaceMachine(Disruption, frozen=True, kw_only=True):
    """Start another machine under a name that is taken; the earlier one stays, or is gone."""

    machine: str
    earlier_stays: bool


class CloneMachine(Disruption, frozen=True, kw_only=True):
    """Start a copy of a machine, with all that is on its disk, beside it."""

    machine: str


class ReimageMachine(Disruption, frozen=True, kw_only=True):
    """Wipe a machine's disk: it registers anew under its name, and runs no version."""

    machine: str
    seconds: float
    """How long it is down."""
    keeps_credential: bool
    """Its credential was put back on the new disk."""


class Act(Disruption, frozen=True, kw_only=True):
    """An operator's action on the deployment in flight: pause, resume, promote, abort, roll_back, progress.

    A `converge` lets convergence go on that the brake has stopped.
    """

    action: str
    rollback: bool = False
    deployment_id: int | None = None
    """The deployment that a `roll_back` names."""


class Decommission(Disruption, frozen=True, kw_only=True):
    """An operator decommissions an instance."""

    machine: str
    force: bool


class Relabel(Disruption, frozen=True, kw_only=True):
    """An operator changes an instance's labels."""

    machine: str
    labels: dict[str, str]


AnyDisruption: TypeAlias = (
    CrashCoordinator
    | KillCoordinator
    | StopCoordinator
    | FreezeCoordinator
    | StoreAway
    | LoseOutcomes
    | BreakFeed
    | Part
    | Storm
    | CrashMachine
    | ReplaceMachine
    | ReimageMachine
    | CloneMachine
    | Act
    | Decommission
    | Relabel
)


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a world is made from."""

    seed: int
    heartbeat_interval: float
    time_to_live: float
    reconcile_interval: float
    keep_deployments: float | None = None
    """For how many seconds deployments that have ended are kept; None: for longer than a world lasts."""
    coordinators: tuple[str, ...]
    in_order: bool = True
    """Whether a coordinator's writes happen in the order in which it asked for them, as with one writing thread."""
    weather: Weather
    machines: tuple[MachineSpec, ...]
    orders: tuple[PlannedOrder, ...]
    disruptions: tuple[AnyDisruption, ...]
    horizon: float
    """When disruptions are over, and everything is healed."""
