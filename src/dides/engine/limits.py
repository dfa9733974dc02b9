"""What the amounts of a policy come to for the instances that a trigger matches: fixed then, for the whole rollout."""

from collections.abc import Collection

import msgspec

from dides.engine.availability import max_unavailable_of
from dides.engine.spread import MAX_VALUES, share_of
from dides.engine.waves import sizes_of
from dides.model.errors import FieldError, InvalidError
from dides.model.instance import Matched
from dides.model.policy import Policy, count_of


class Limits(msgspec.Struct, frozen=True):
    """Numbers of targets; the fields of the same names of a Deployment."""

    window: int
    waves: tuple[int, ...]
    share: int | None
    max_unavailable: int | None


def limits_of(policy: Policy, matched: Collection[Matched]) -> Limits:
    """Return the limits of a deployment over these instances. InvalidError when they have too many values to spread by.

    Every percentage is of the matched instances, rounded up, and at least 1.
    """
    window = count_of(policy.batch_size, len(matched))
    values = {each.spread for each in matched}
    if policy.spread_by is not None and len(values) > MAX_VALUES:
        raise InvalidError(
            FieldError(
                "configuration.spread_by",
                f"has {len(values):,} different values among the matched instances; at most {MAX_VALUES} can be spread "
                "over, so choose a label such as a zone",
            )
        )
    return Limits(
        window=window,
        waves=sizes_of(policy.waves, len(matched)),
        share=None if policy.spread_by is None else share_of(window, len(values)),
        max_unavailable=max_unavailable_of(policy, len(matched)),
    )
