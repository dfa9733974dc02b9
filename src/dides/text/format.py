"""Numbers, spans of time, versions and selections, in words."""

from collections.abc import Mapping

from dides.model.actor import INSTANCE, SYSTEM, is_itself
from dides.model.state import State

LAST_LINES = 6
"""Lines of a message that are shown at once: the last ones, where the error usually is."""


def plural(number: int, one: str, many: str | None = None) -> str:
    """Return "1 instance", "2 instances", "1,000 instances"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def seconds(span: float) -> str:
    """Return a span of seconds as one says it: "90 s" is "1 min 30 s"."""
    if span < 60:
        return f"{span:g} s"
    minutes, rest = divmod(round(span), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours} h" if hours else "", f"{minutes} min" if minutes else "", f"{rest} s" if rest else ""]
    return " ".join(part for part in parts if part)


def versions(code: str | None, configuration: str | None) -> str:
    """Return a pair of versions in short, as the command line has it: "1.0.0", "1.0.0 config 7", "nothing"."""
    parts = [code, f"config {configuration}" if configuration is not None else None]
    return " ".join(part for part in parts if part) or "nothing"


def state(its: State | None, nothing: str = "nothing") -> str:
    """Return a state in short as `versions` does, or what stands for none."""
    return nothing if its is None or its.empty else versions(its.code_version, its.configuration_version)


def selection(labels: Mapping[str, str], selector: str | None) -> str:
    """Return labels and a selector as one selector; both empty mean the whole fleet."""
    parts = [f"{key}={value}" for key, value in sorted(labels.items())]
    return ",".join([*parts, *([selector] if selector else [])]) or "the whole fleet"


def by_whom(actor: str, instance: str | None = None) -> str:
    """Return who did something, as one says it; "itself" for the instance that it was done to."""
    if is_itself(actor, instance):
        return "itself"
    return "the coordinator" if actor == SYSTEM else actor.replace(INSTANCE, "instance ", 1)


def took(span: float) -> str:
    """Return a duration of seconds, measured: to tenths under ten seconds, else to seconds."""
    return seconds(max(0.0, round(span, 1) if span < 10 else float(round(span))))


def last_lines(message: str, number: int = LAST_LINES) -> str:
    """Return the last lines of a message that are not empty at its end."""
    return "\n".join(message.rstrip().splitlines()[-number:])
