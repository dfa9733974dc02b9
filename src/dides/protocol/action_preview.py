"""The answer to an action that is only previewed (`?preview=true`): what it would do, in numbers."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from dides.model.deployment import Kind
from dides.model.state import State
from dides.protocol.messages import Answer


class Action(StrEnum):
    """What an operator can do about a deployment."""

    PAUSE = "pause"
    RESUME = "resume"
    PROMOTE = "promote"
    ABORT = "abort"
    ABORT_AND_ROLL_BACK = "abort-and-roll-back"
    ROLL_BACK = "rollback"


class PreviewedWave(Answer):
    """The wave in which updates start after the action."""

    number: Annotated[int, Meta(description="Which wave, from 1.")]
    of: Annotated[int, Meta(description="How many waves there are.")]
    room: Annotated[int, Meta(description="How many more updates can start in it.")]


class PreviewedStop(Answer):
    """What stopping the deployment does to the targets that have not ended."""

    pending: Annotated[int, Meta(description="How many pending targets are skipped as not started.")]
    updating: Annotated[int, Meta(description="How many updating targets are skipped as stopped while updating.")]
    restored: Annotated[
        int, Meta(description="How many of the updating are not known to have read their state; they get the earlier.")
    ]


class PreviewedReturn(Answer):
    """What the rollback does."""

    instances: Annotated[int, Meta(description="How many instances return to what they had.")]
    to: Annotated[State | None, Meta(description="The versions to which all of them return; null where they differ.")]
    nowhere: Annotated[int, Meta(description="How many are skipped: nothing is known that they could return to.")]
    worked_out: Annotated[
        bool, Meta(description="False for a deployment so large that its instances are only counted.")
    ]


class ActionPreview(Answer):
    """What an action would do to a deployment as it is now; nothing was changed."""

    action: Annotated[Action, Meta(description="The action; `abort` with a rollback is `abort-and-roll-back`.")]
    deployment_id: Annotated[int, Meta(description="The deployment that it would act on.")]
    kind: Annotated[Kind, Meta(description="The kind of that deployment.")]
    why_not: Annotated[
        str | None,
        Meta(description="Why it would be refused, or would change nothing; null: it would act. Else no more is said."),
    ]
    paused: Annotated[bool, Meta(description="Whether the deployment is paused now.")]
    outage: Annotated[bool, Meta(description="Whether an outage holds it now.")]
    pending: Annotated[int, Meta(description="How many targets are pending now.")]
    updating: Annotated[int, Meta(description="How many targets are updating now.")]
    succeeded: Annotated[int, Meta(description="How many targets have succeeded.")]
    failed: Annotated[int, Meta(description="How many targets have failed.")]
    window: Annotated[int, Meta(description="How many may be updating at once, in a rollback too.")]
    stops_at: Annotated[
        int | None, Meta(description="How many failures stop the deployment; null: failures do not stop a rollback.")
    ]
    lapsed: Annotated[
        int, Meta(description="How many succeeded targets of the open wave are not HEALTHY at the target now.")
    ]
    wave: Annotated[
        PreviewedWave | None,
        Meta(description="Of `resume`: the open wave, unless it is the last; of `promote`: the wave that opens."),
    ]
    health_wait: Annotated[
        float | None,
        Meta(description="Of `promote`: for how many seconds it first waits for the lapsed ones; null: it opens."),
    ]
    soak_cut: Annotated[
        float | None, Meta(description="Of `promote`: of a soak of how many seconds the rest is left out.")
    ]
    stopped: Annotated[PreviewedStop | None, Meta(description="What stopping does; null: the action stops nothing.")]
    returned: Annotated[PreviewedReturn | None, Meta(description="What the rollback does; null: without one.")]
