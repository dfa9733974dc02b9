"""The answer of POST /deploy/plan: what a deployment would do, and the worst that it could do."""

from typing import Annotated

from msgspec import Meta

from dides.protocol.messages import Answer


class ForecastWave(Answer):
    """The instances that one wave would update."""

    size: Annotated[int, Meta(description="How many targets are in this wave.")]
    instances: Annotated[
        list[str], Meta(description="The names of the first 100 of them, in the order in which they would be updated.")
    ]


class WorstCase(Answer):
    """How far a deployment can get of which every update fails."""

    reached: Annotated[int, Meta(description="How many can be running the new version, those already there included.")]
    down_at_once: Annotated[int, Meta(description="How many updated instances can be not HEALTHY at once.")]


class Forecast(Answer):
    """What a deployment would do to the fleet as it is now."""

    matched: Annotated[int, Meta(description="How many instances match.")]
    already_at_target: Annotated[int, Meta(description="How many of them are HEALTHY at the target, and are skipped.")]
    unreachable: Annotated[int, Meta(description="How many of them cannot be reached.")]
    waves: Annotated[
        list[ForecastWave], Meta(description="The instances to update, by wave; empty waves are left out.")
    ]
    window: Annotated[int, Meta(description="How many can be updating at once, at the most.")]
    worst_case: Annotated[WorstCase, Meta(description="How far it can get when every update fails.")]
    warnings: Annotated[list[str], Meta(description="What to think about first, a sentence each.")]
