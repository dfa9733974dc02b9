"""What to do about a directive: memory and time in, a decision out. Nothing here waits, reads or writes.

Whoever drives this (the agent, or a simulator) asks `decide` only while no apply runs: a telling that arrives during
an apply waits until that has ended, and then the newest one counts. The rules, first match wins:

1. A lower generation than the one acted on comes from a stale coordinator: ignored for one time to live. If it is
   still lower then, the coordinator was restored from a backup: it counts as a new telling.
2. A new telling without a desired state is adopted; nothing is applied.
3. A new telling that a clean instance meets already is adopted. A dirty one proves nothing: it is applied again,
   even to the version that it last reported.
4. Any other new telling is applied.
5. The same generation again: what failed is not tried again; what was cut off starts over; what is met is left alone.
"""

from enum import StrEnum

import msgspec

from dides.agent.memory import Attempt, Standing
from dides.model.state import State, known
from dides.protocol.messages import Directive

HEARTBEATS_TO_LIVE = 3
INTERRUPTED = "The agent was killed during an apply, and no version is desired any more: deploy one to repair this."


class Action(StrEnum):
    """What a directive asks for."""

    IGNORE = "ignore"
    ADOPT = "adopt"
    APPLY = "apply"


class Decision(msgspec.Struct, frozen=True):
    """What to do, and what to remember before it is done."""

    action: Action
    standing: Standing
    lower_since: float | None = None
    """When a generation lower than the one acted on was first seen in a row; hand it to the next `decide`."""


def decide(standing: Standing, directive: Directive, *, now: float, lower_since: float | None) -> Decision:
    """Decide about a directive while no apply runs. `now` and `lower_since` are monotonic seconds."""
    if standing.generation is not None and directive.generation < standing.generation:
        since = now if lower_since is None else lower_since
        if now - since < HEARTBEATS_TO_LIVE * directive.heartbeat_interval:
            return Decision(Action.IGNORE, standing, since)
    if directive.generation == standing.generation:
        return _told_before(standing, directive)
    return _told_anew(standing, directive)


def ended(standing: Standing, failure: str | None) -> Standing:
    """Return where an instance stands once its apply has ended: with success, or with the reason of its failure."""
    attempt = standing.attempt
    if attempt is None:
        return standing
    if failure is None:
        return msgspec.structs.replace(standing, applied=attempt.target, previous=standing.applied, attempt=None)
    return msgspec.structs.replace(standing, attempt=Attempt(target=attempt.target, failure=failure))


def _told_anew(standing: Standing, directive: Directive) -> Decision:
    desired = known(directive.desired)
    if desired is None or (not standing.dirty and standing.applied.meets(desired)):
        return _adopt(standing, directive)
    return _apply(standing, directive, desired)


def _told_before(standing: Standing, directive: Directive) -> Decision:
    desired = known(directive.desired)
    settled = standing.failed if standing.dirty else standing.applied.meets(desired)
    if settled:
        return Decision(Action.IGNORE, standing)
    if desired is None:
        return _adopt(standing, directive)
    return _apply(standing, directive, desired)


def _adopt(standing: Standing, directive: Directive) -> Decision:
    """Act on a generation without applying. An apply that was cut off stays a failure until a version is desired."""
    adopted = msgspec.structs.replace(standing, generation=directive.generation, deployment=directive.deployment_id)
    if adopted.dirty and not adopted.failed:
        adopted = ended(adopted, INTERRUPTED)
    return Decision(Action.ADOPT, adopted)


def _apply(standing: Standing, directive: Directive, desired: State) -> Decision:
    begun = msgspec.structs.replace(
        standing,
        generation=directive.generation,
        deployment=directive.deployment_id,
        attempt=Attempt(target=desired.over(standing.applied)),
    )
    return Decision(Action.APPLY, begun)
