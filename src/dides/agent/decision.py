"""What to do about a directive: memory and time in, a decision out. Nothing here waits, reads or writes.

Whoever drives this (the agent, or a simulator) asks `decide` only while no apply runs: an assignment that arrives
during an apply waits until that has ended, and then the newest one counts. The rules, first match wins:

1. A lower generation than the one acted on comes from a stale coordinator: ignored for one time to live. If it is
   still lower then, the coordinator was restored from a backup: it counts as a new generation.
2. A new generation without a desired state is adopted; nothing is applied.
3. A new generation that finds the instance dirty is applied, even to the version that it last reported: nobody knows
   what runs there.
4. A new generation with another state than what was last applied with success is applied, whatever the check says: a
   check may be blind to versions.
5. A new generation with the same state: with `always` it is applied; with `if_changed` it is adopted, so that one bad
   moment of a check that the fleet shares starts no apply outside the window; with `unless_healthy` the check is run
   now, and it is adopted if that says HEALTHY, else applied. The last success alone proves nothing.
6. The same generation again: what failed is not tried again; what was cut off starts over; what is met is left alone.

How often an apply was begun in its generation is counted in memory. One that was cut off three times has failed.
"""

from enum import StrEnum

import msgspec

from dides.agent.persisted import Attempt, Standing
from dides.model.state import ApplyRule, State, known
from dides.protocol.messages import Directive

HEARTBEATS_TO_LIVE = 3
MOST_BEGUN = 3
"""How often an apply is begun in one generation: what cuts it off every time (the apply itself?) would never end."""
CUT_OFF = f"the apply was cut off {MOST_BEGUN} times"
INTERRUPTED = "The apply was cut off, and no version is desired any more: deploy one to repair this."


class Action(StrEnum):
    """What a directive asks for."""

    IGNORE = "ignore"
    CHECK = "check"
    """Run the check now, and decide again with what it says."""
    ADOPT = "adopt"
    APPLY = "apply"


class Decision(msgspec.Struct, frozen=True):
    """What to do, and what to remember before it is done."""

    action: Action
    standing: Standing
    lower_since: float | None = None
    """When a generation lower than the one acted on was first seen in a row; hand it to the next `decide`."""


def decide(
    standing: Standing, directive: Directive, *, now: float, lower_since: float | None, healthy: bool | None = None
) -> Decision:
    """Decide about a directive while no apply runs. `now` and `lower_since` are monotonic seconds.

    `healthy` is what a check said that was run for this decision, None before one was.
    """
    if standing.generation is not None and directive.generation < standing.generation:
        since = now if lower_since is None else lower_since
        if now - since < HEARTBEATS_TO_LIVE * directive.heartbeat_interval:
            return Decision(Action.IGNORE, standing, since)
    if directive.generation == standing.generation:
        return _same_generation(standing, directive)
    return _new_generation(standing, directive, healthy)


def ended(standing: Standing, failure: str | None) -> Standing:
    """Return where an instance stands once its apply has ended: with success, or with the reason of its failure."""
    attempt = standing.attempt
    if attempt is None:
        return standing
    if failure is None:
        return msgspec.structs.replace(standing, applied=attempt.target, previous=standing.applied, attempt=None)
    return msgspec.structs.replace(standing, attempt=msgspec.structs.replace(attempt, failure=failure))


def cut_off(standing: Standing, failure: str = CUT_OFF) -> Standing:
    """Return where an instance stands once its apply was cut off: it starts over, or has failed if it was the last."""
    attempt = standing.attempt
    if attempt is None or attempt.begun < MOST_BEGUN:
        return standing
    return ended(standing, failure)


def _new_generation(standing: Standing, directive: Directive, healthy: bool | None) -> Decision:
    desired = known(directive.desired)
    if desired is None:
        return _adopt(standing, directive)
    if standing.dirty or not standing.applied.meets(desired):
        return _apply(standing, directive, desired)
    return _same_state(standing, directive, desired, healthy)


def _same_state(standing: Standing, directive: Directive, desired: State, healthy: bool | None) -> Decision:
    if directive.apply is ApplyRule.UNLESS_HEALTHY and healthy is None:
        return Decision(Action.CHECK, standing)
    if directive.apply is ApplyRule.ALWAYS or (directive.apply is ApplyRule.UNLESS_HEALTHY and not healthy):
        return _apply(standing, directive, desired)
    return _adopt(standing, directive)


def _same_generation(standing: Standing, directive: Directive) -> Decision:
    desired = known(directive.desired)
    settled = standing.failed if standing.dirty else standing.applied.meets(desired)
    if settled:
        return Decision(Action.IGNORE, standing)
    if desired is None:
        return _adopt(standing, directive)
    if _begun_before(standing, directive) >= MOST_BEGUN:
        return Decision(Action.ADOPT, cut_off(standing))
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
        attempt=Attempt(target=desired.over(standing.applied), begun=_begun_before(standing, directive) + 1),
    )
    return Decision(Action.APPLY, begun)


def _begun_before(standing: Standing, directive: Directive) -> int:
    """Return how often the apply that a directive asks for was begun, and cut off, in its generation."""
    repeated = standing.dirty and not standing.failed and standing.generation == directive.generation
    return standing.attempt.begun if standing.attempt is not None and repeated else 0
