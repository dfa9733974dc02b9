"""What the types of a deployment's configuration cannot say: fields that must fit each other."""

from collections.abc import Sequence

from dides.model.errors import FieldError
from dides.model.policy import Amount, hundredths
from dides.protocol.messages import Configuration


def check_configuration(path: str, configuration: Configuration) -> list[FieldError]:
    """Return what is wrong with a configuration at a path of the request."""
    problems = []
    if configuration.min_healthy_time >= configuration.update_timeout:
        reason = f"must be under update_timeout ({configuration.update_timeout:g}), or every update would time out"
        problems.append(FieldError(f"{path}.min_healthy_time", reason))
    return [*problems, *_check_waves(f"{path}.waves", configuration.waves)]


def _check_waves(path: str, waves: Sequence[Amount]) -> list[FieldError]:
    """Want counts to grow, and percentages; how the two compare depends on how many instances match."""
    counts = [size for size in waves if isinstance(size, int)]
    percentages = [hundredths(size) for size in waves if isinstance(size, str)]
    if counts != sorted(set(counts)) or percentages != sorted(set(percentages)):
        return [FieldError(path, "must grow from wave to wave: the sizes are cumulative")]
    return []
