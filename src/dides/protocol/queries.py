"""The query strings of the wire contract, as messages: a slip in a parameter's name is an error too."""

from enum import StrEnum
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from dides.model.deployment import DeploymentStatus, TargetState
from dides.model.state import Status
from dides.protocol.fields import DeploymentNumber, Generation, SelectorText
from dides.protocol.messages import Request

LONGEST_WAIT = 60


class Direction(StrEnum):
    """Which end of the log comes first."""

    OLDEST = "oldest"
    NEWEST = "newest"


class NoQuery(Request, frozen=True):
    """No parameters."""


class PageQuery(Request, frozen=True):
    """Which part of a list."""

    limit: Annotated[int, Meta(ge=1, le=1000, description="How many to answer with at most.")] = 100
    cursor: (
        Annotated[str, Meta(max_length=1000, description="Where to go on: the next_cursor of the page before.")]
        | UnsetType
    ) = UNSET


class InstanceQuery(PageQuery, frozen=True):
    """Which instances."""

    selector: SelectorText = ""
    status: Annotated[Status, Meta(description="Only those with this status.")] | UnsetType = UNSET
    duplicated: Annotated[bool, Meta(description="Only those as which two agents report.")] = False


class DeploymentQuery(PageQuery, frozen=True):
    """Which deployments."""

    status: Annotated[DeploymentStatus, Meta(description="Only those with this status.")] | UnsetType = UNSET


class TargetQuery(PageQuery, frozen=True):
    """Which targets."""

    state: Annotated[TargetState, Meta(description="Only those in this state.")] | UnsetType = UNSET


class EventsQuery(PageQuery, frozen=True):
    """Which events of a deployment."""

    order: Annotated[Direction, Meta(description="Which end of the log comes first.")] = Direction.OLDEST


class EventQuery(EventsQuery, frozen=True):
    """Which events."""

    deployment: Annotated[DeploymentNumber, Meta(description="Only those of this deployment.")] | UnsetType = UNSET


class DesiredQuery(Request, frozen=True):
    """How long to wait for what."""

    generation: Annotated[Generation, Meta(description="The generation that the caller knows.")] = 0
    wait: Annotated[float, Meta(ge=0, le=LONGEST_WAIT, description="Seconds to wait at most.")] = 30


class ActionQuery(Request, frozen=True):
    """Whether it is meant."""

    preview: Annotated[
        bool, Meta(description="Say what the action would do (`ActionPreview`, 200), and change nothing.")
    ] = False


class DecommissionQuery(Request, frozen=True):
    """How insistently."""

    force: Annotated[bool, Meta(description="Also while an update of it runs.")] = False
