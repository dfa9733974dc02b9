"""The messages of the wire contract. Requests refuse unknown fields; readers of answers ignore them."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from dides.model.deployment import DeploymentStatus, Kind, TargetState
from dides.model.explanation import Cause
from dides.model.policy import MAX_RETRIES, MAX_WAVES, Ordering
from dides.model.state import ApplyRule, State, Status, Version
from dides.protocol.fields import (
    Address,
    Count,
    Credential,
    DeploymentNumber,
    Generation,
    LabelKey,
    Labels,
    Message,
    Name,
    Pause,
    Percentage,
    Seconds,
    SelectorText,
    Sequence,
    Session,
)


class Request(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A message to the coordinator: a slip in a field's name is an error."""


class Answer(msgspec.Struct, kw_only=True):
    """A message from the coordinator: fields that a reader does not know are ignored."""


class InstanceSpec(Request, frozen=True):
    """What an instance says of itself at registration."""

    name: Name
    ip: Address
    labels: Labels = {}


class Registration(Request, frozen=True):
    """The body of POST /inventory/register."""

    instance: InstanceSpec
    token: (
        Annotated[
            str,
            Meta(
                min_length=1, max_length=1024, description="The registration token; not needed by an instance itself."
            ),
        ]
        | UnsetType
    ) = UNSET


class Heartbeat(Request, frozen=True, gc=False):
    """The body of PATCH /inventory/instances/{name}. An instance sends any subset; `labels` is the operator's."""

    code_version: Version | UnsetType | None = UNSET
    configuration_version: Version | UnsetType | None = UNSET
    status: Status | UnsetType = UNSET
    observed: Annotated[Generation, Meta(description="The generation that the agent acts on.")] | UnsetType = UNSET
    session: Session | UnsetType = UNSET
    sequence: Sequence | UnsetType = UNSET
    message: Message | UnsetType = UNSET
    labels: Labels | UnsetType = UNSET


class Configuration(Request, frozen=True):
    """How a deployment proceeds. Times are seconds; a percentage is of the matched instances, rounded up."""

    batch_size: Annotated[
        Count | Percentage, Meta(description="How many targets may be updating at once: a count or a percentage.")
    ] = 1
    failure_threshold: Annotated[
        Count | Percentage, Meta(description="How many failures stop the deployment: a count or a percentage.")
    ] = 1
    waves: Annotated[
        tuple[Count | Percentage, ...],
        Meta(
            max_length=MAX_WAVES,
            description="Who goes first, in cumulative sizes of waves; a last wave of everything is implied.",
            examples=[[1, "10%"]],
        ),
    ] = ()
    wave_pause: Annotated[
        Pause | Literal["manual"],
        Meta(description='Seconds to soak between waves, or "manual": each waits until it is promoted.'),
    ] = 0.0
    min_healthy_time: Annotated[
        Pause, Meta(description="Seconds for which an instance has to stay HEALTHY; less than update_timeout.")
    ] = 0.0
    update_timeout: Annotated[Seconds, Meta(description="Seconds until an update that is not HEALTHY has failed.")] = (
        600.0
    )
    deadline: Annotated[
        Seconds | None, Meta(description="Seconds until the whole deployment has failed if it is not done.")
    ] = None
    max_unavailable: Annotated[
        Count | Percentage | None,
        Meta(description="How many matched instances may be updating or not HEALTHY at once; null: any number."),
    ] = None
    spread_by: Annotated[
        LabelKey | None,
        Meta(description="The label over whose values updates are spread evenly.", examples=["zone"]),
    ] = None
    retries: Annotated[
        int, Meta(ge=0, le=MAX_RETRIES, description="How often a failed attempt at one instance is repeated.")
    ] = 0
    order: Annotated[Ordering, Meta(description="In which order instances are updated.")] = Ordering.NAME
    auto_rollback: Annotated[bool, Meta(description="Roll back by itself when it fails before its end.")] = True
    force: Annotated[
        bool, Meta(description="Update those already at the target too: every agent applies it once more.")
    ] = False


class DeployRequest(Request, frozen=True):
    """The body of POST /deploy. `lables` and `condiguration` are accepted for the first documents' sake."""

    code_version: Version | UnsetType = UNSET
    configuration_version: Version | UnsetType = UNSET
    labels: Labels | UnsetType = UNSET
    lables: Annotated[Labels, Meta(description="An alias of `labels`.")] | UnsetType = UNSET
    selector: SelectorText | UnsetType = UNSET
    configuration: Configuration | UnsetType = UNSET
    condiguration: Annotated[Configuration, Meta(description="An alias of `configuration`.")] | UnsetType = UNSET


class ActionRequest(Request, frozen=True):
    """The body of an action on a deployment; an empty body acts on whichever is in flight."""

    deployment_id: (
        Annotated[DeploymentNumber, Meta(description="The deployment that is meant; 409 when it is another one.")]
        | UnsetType
    ) = UNSET


class AbortRequest(ActionRequest, frozen=True):
    """The body of POST /deploy/abort."""

    rollback: Annotated[bool, Meta(description="Also return what was touched to what it had.")] = False


class Why(Answer):
    """Why the newest deployment has updated an instance, or has not."""

    cause: Annotated[Cause, Meta(description="What decides it.")]
    message: Annotated[str, Meta(description="The same in a sentence.")]
    deployment_id: Annotated[int | None, Meta(description="The deployment that the sentence is about.")]
    held_by: Annotated[str | None, Meta(description="With `waiting`: what holds that deployment.")]
    since: Annotated[datetime | None, Meta(description="Since when it is so, where that is known.")]
    until: Annotated[datetime | None, Meta(description="When it is over at the latest, where that is known.")]


class Instance(Answer):
    """An instance, as the coordinator knows it."""

    name: Annotated[str, Meta(description="Its name, unique in the fleet.")]
    ip: Annotated[str, Meta(description="The address that it registered with.")]
    labels: Annotated[dict[str, str], Meta(description="Its labels.")]
    status: Annotated[Status, Meta(description="What it reported last; UNKNOWN once it has fallen silent.")]
    current: Annotated[State, Meta(description="The versions that it reported last.")]
    desired: Annotated[State | None, Meta(description="The versions that it should have; null: none were ever set.")]
    generation: Annotated[int, Meta(description="How often its desired state was set.")]
    message: Annotated[str, Meta(description="Why it is DEGRADED or FAILED, in its own words.")]
    registered_at: Annotated[datetime, Meta(description="When it registered last.")]
    last_heartbeat_at: Annotated[datetime | None, Meta(description="When its last heartbeat was received.")]
    reachable: Annotated[bool, Meta(description="False once it has been silent for its time to live.")]
    converging: Annotated[
        bool, Meta(description="It joined or returned late, and waits for, or is on its way to, what it has missed.")
    ] = False
    duplicated: Annotated[bool, Meta(description="Two agents report as it, with copies of one state directory.")] = (
        False
    )
    why: Annotated[Why, Meta(description="Why it was updated, or was not; only where one is read.")] | UnsetType = UNSET


class Registered(Answer):
    """The answer to a registration. The credential is shown this once."""

    instance: Annotated[Instance, Meta(description="The instance as it is now.")]
    credential: Annotated[Credential, Meta(description="The instance's own credential, from now on the only one.")]
    heartbeat_interval: Annotated[Seconds, Meta(description="How often it is to report, in seconds.")]


class Directive(Answer, gc=False, kw_only=True):
    """The answer to a heartbeat and to the blocking query: what the instance should be."""

    name: Annotated[Name, Meta(description="The instance.")]
    desired: Annotated[State | None, Meta(description="The versions that it should have; null: stay as it is.")]
    generation: Annotated[Generation, Meta(description="How often its desired state was set.")]
    deployment_id: Annotated[
        DeploymentNumber | None, Meta(description="The deployment that set its desired state last.")
    ]
    update_needed: Annotated[bool, Meta(description="It reported something else than its desired state.")]
    apply: Annotated[
        ApplyRule, Meta(description="When a desired state that was applied already is applied once more.")
    ] = ApplyRule.UNLESS_HEALTHY
    heartbeat_interval: Annotated[Seconds, Meta(description="How often it is to report, in seconds.")]


class Progress(Answer):
    """How many targets are in each state."""

    total: Annotated[int, Meta(description="All targets.")]
    pending: Annotated[int, Meta(description="Not started.")]
    updating: Annotated[int, Meta(description="Started, and not finished.")]
    succeeded: Annotated[int, Meta(description="HEALTHY at the target.")]
    failed: Annotated[int, Meta(description="FAILED, timed out or lost.")]
    skipped: Annotated[int, Meta(description="Left out; each target says why.")]


class Wave(Answer):
    """Which wave is open, of how many."""

    open: Annotated[int, Meta(description="The open wave, from 1.")]
    of: Annotated[int, Meta(description="How many waves there are.")]


class Deployment(Answer):
    """A deployment, as the coordinator knows it."""

    id: Annotated[int, Meta(description="Its number; later ones are higher.")]
    kind: Annotated[Kind, Meta(description="Triggered by an operator, or the rollback of one that was.")]
    rollback_of: Annotated[int | None, Meta(description="The deployment that this one undoes.")]
    status: Annotated[DeploymentStatus, Meta(description="Running and paused are in flight; the others are final.")]
    reason: Annotated[str, Meta(description="Why it ended as it did.")]
    code_version: Annotated[str | None, Meta(description="The target; null: stays as it is on each instance.")]
    configuration_version: Annotated[str | None, Meta(description="The target; null: stays as it is.")]
    labels: Annotated[dict[str, str], Meta(description="The labels that its targets had at the trigger.")]
    selector: Annotated[str | None, Meta(description="The selector that its targets matched at the trigger.")]
    configuration: Annotated[Configuration, Meta(description="How it proceeds.")]
    progress: Annotated[Progress, Meta(description="How many targets are in each state.")]
    wave: Annotated[Wave | None, Meta(description="The open wave; null without waves.")]
    held_by: Annotated[str | None, Meta(description="Why the next target does not start yet.", examples=["batch_size"])]
    rolled_back_by: Annotated[int | None, Meta(description="The newest deployment that undoes this one.")]
    withdrawn: Annotated[bool, Meta(description="That one is in flight, or was not aborted: nobody inherits this one.")]
    created_at: Annotated[datetime, Meta(description="When it was triggered.")]
    finished_at: Annotated[datetime | None, Meta(description="When it ended; null while it is in flight.")]
    created_by: Annotated[str, Meta(description="Who triggered it, as `actor` of an event.")]


class Convergence(Answer):
    """How those fare who joined or returned late and inherit a deployment's state."""

    deployment_id: Annotated[int, Meta(description="The deployment whose state they inherit.")]
    code_version: Annotated[str | None, Meta(description="What it names; null: stays as it is.")]
    configuration_version: Annotated[str | None, Meta(description="What it names; null: stays as it is.")]
    waiting: Annotated[int, Meta(description="How many instances wait for it.")]
    converging: Annotated[int, Meta(description="How many are on their way to it.")]
    arrived: Annotated[int, Meta(description="How many have been HEALTHY there.")]
    failed: Annotated[int, Meta(description="How many failed since the last arrival, or since it was resumed.")]
    limit: Annotated[int, Meta(description="At how many failures it stops.")]
    stopped_at: Annotated[datetime | None, Meta(description="When it stopped; null: it goes on.")]


class Convergences(Answer):
    """The deployments whose states instances inherit now, or would if that had not stopped."""

    sources: Annotated[list[Convergence], Meta(description="The deployments, newest first.")]


class Target(Answer, rename={"from_": "from"}):
    """One instance in one deployment."""

    instance: Annotated[str, Meta(description="The instance's name.")]
    state: Annotated[TargetState, Meta(description="How far it is.")]
    reason: Annotated[str, Meta(description="Why it failed or was skipped, or what an updating one waits for.")]
    message: Annotated[str, Meta(description="What the instance says of it.")]
    from_: Annotated[State, Meta(description="What the instance ran when its update started, or at the trigger.")]
    to: Annotated[State, Meta(description="What it is to run.")]
    attempt: Annotated[int, Meta(description="Which attempt this is, from 1.")]
    assigned_at: Annotated[datetime | None, Meta(description="When its update started.")]
    finished_at: Annotated[datetime | None, Meta(description="When it succeeded, failed or was skipped.")]


class Event(Answer):
    """Something that happened, in the order of `id`."""

    id: Annotated[int, Meta(description="Its number; later ones are higher.")]
    at: Annotated[datetime, Meta(description="When it happened.")]
    kind: Annotated[str, Meta(description="What happened.", examples=["target.assigned"])]
    deployment_id: Annotated[int | None, Meta(description="The deployment that it belongs to.")]
    instance: Annotated[str | None, Meta(description="The instance that it is about.")]
    actor: Annotated[
        str, Meta(description="Who did it: operator, instance:NAME, or system for the coordinator itself.")
    ]
    data: Annotated[dict[str, Any], Meta(description="More, depending on the kind.")]


class InstancePage(Answer):
    """Some instances, by name."""

    instances: Annotated[list[Instance], Meta(description="The instances of this page.")]
    count: Annotated[int | None, Meta(description="How many match in all; on the first page only.")]
    next_cursor: Annotated[str | None, Meta(description="Where the next page begins; null: there is none.")]


class DeploymentPage(Answer):
    """Some deployments, newest first."""

    deployments: Annotated[list[Deployment], Meta(description="The deployments of this page.")]
    next_cursor: Annotated[str | None, Meta(description="Where the next page begins; null: there is none.")]


class TargetPage(Answer):
    """Some targets of a deployment, in its order."""

    instances: Annotated[list[Target], Meta(description="The targets of this page.")]
    next_cursor: Annotated[str | None, Meta(description="Where the next page begins; null: there is none.")]


class EventPage(Answer):
    """Some events, oldest first unless asked otherwise."""

    events: Annotated[list[Event], Meta(description="The events of this page.")]
    next_cursor: Annotated[str | None, Meta(description="Where the next page begins; null: there is none.")]


class ProblemField(Answer):
    """One thing wrong with one field."""

    field: Annotated[str, Meta(description='The field\'s path, such as configuration.batch_size; "" for the body.')]
    message: Annotated[str, Meta(description="What is wrong with it.")]


class Problem(Answer, omit_defaults=True):
    """Why a request was refused (RFC 9457)."""

    type: Annotated[str, Meta(description="A URI for the kind of problem.", examples=["urn:dides:problem:in-flight"])]
    title: Annotated[str, Meta(description="The kind of problem, in words.")]
    status: Annotated[int, Meta(description="The status of the answer.")]
    detail: Annotated[str, Meta(description="What happened, and what to do next.")] = ""
    errors: Annotated[list[ProblemField], Meta(description="What is wrong with which field.")] = []
    deployment_id: Annotated[int | None, Meta(description="The deployment that is in flight.")] = None
    request_id: Annotated[str | None, Meta(description="What the log knows this request by.")] = None
