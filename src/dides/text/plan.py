"""A forecast in sentences: what a deployment will do, and how bad it can get."""

from collections.abc import Sequence

from dides.model.policy import Amount, Ordering
from dides.protocol.forecast import Forecast, ForecastWave
from dides.protocol.messages import Configuration
from dides.text.format import plural, seconds

NAMES = 5
"""Instances named at most in a wave; the rest is counted."""


def matched(forecast: Forecast) -> str:
    """Return how many match, and who of them is left out."""
    parts = [f"{plural(forecast.matched, 'instance')} {'matches' if forecast.matched == 1 else 'match'}"]
    if forecast.already_at_target:
        parts.append(f"{forecast.already_at_target:,} already at the target, skipped")
    if forecast.unreachable:
        parts.append(f"{forecast.unreachable:,} unreachable, skipped unless back in time")
    return "; ".join(parts)


def steps(configuration: Configuration, forecast: Forecast) -> list[str]:
    """Return what will happen, a sentence each."""
    if not forecast.window:
        return ["Nothing would be updated."]
    number = sum(wave.size for wave in forecast.waves)
    updates = f"Updates {plural(number, 'instance')}, {forecast.window:,} at a time"
    order = ", in a shuffled order" if configuration.order is Ordering.SHUFFLE else ""
    return [f"{updates}{order}.", *_waves(configuration, forecast.waves), _end(configuration)]


def worst_case(forecast: Forecast) -> str:
    """Return how bad it can get."""
    worst = forecast.worst_case
    there = f", {forecast.already_at_target:,} of them already" if forecast.already_at_target else ""
    down = plural(worst.down_at_once, "instance")
    return f"Worst case: {down} down before it stops, {worst.reached:,} at the new version{there}."


def names(wave: ForecastWave) -> str:
    """Return the first names of a wave, and how many more there are."""
    shown = wave.instances[:NAMES]
    more = wave.size - len(shown)
    return ", ".join(shown) + (f", and {more:,} more" if more else "")


def in_short(forecast: Forecast) -> str:
    """Return the plan in one sentence, for those who hear it while they type."""
    waves = plural(len(forecast.waves), "wave")
    warnings = f", {plural(len(forecast.warnings), 'warning')}" if forecast.warnings else ""
    return f"{matched(forecast)}; {waves}, at most {forecast.window:,} at once{warnings}."


def _waves(configuration: Configuration, waves: Sequence[ForecastWave]) -> list[str]:
    if len(waves) < 2:
        return []
    sizes = [f"{wave.size:,}" for wave in waves]
    listed = f"{', '.join(sizes[:-1])} and {sizes[-1]}" if len(sizes) <= NAMES else f"from {sizes[0]} to {sizes[-1]}"
    return [f"In {len(waves)} waves of {listed}; {_pause(configuration)}."]


def _pause(configuration: Configuration) -> str:
    pause = configuration.wave_pause
    if pause == "manual":
        return "after each, it waits until you promote it"
    return f"after each, it soaks for {seconds(pause)}" if pause else "each begins when the one before is over"


def _end(configuration: Configuration) -> str:
    then = "rolls back by itself" if configuration.auto_rollback else "stays as it is, until you roll it back"
    return f"It {_stops(configuration.failure_threshold)}, and then {then}."


def _stops(threshold: Amount) -> str:
    if isinstance(threshold, str):
        return f"stops when {threshold} of the open wave have failed"
    return f"stops at {plural(threshold, 'failure')}"
