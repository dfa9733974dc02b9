"""Tables of what the coordinator answers, with times in the time zone of this machine."""

from collections.abc import Callable, Sequence, Set

import msgspec
from rich.console import Console
from rich.text import Text

from dides.cli.display.layout import Cell, print_rows
from dides.cli.display.marks import (
    CONVERGING,
    DEPLOYMENT,
    DRIFTED,
    DUPLICATED,
    STATUS,
    TARGET,
    UNREACHABLE,
    is_drifted,
    say_duration,
    say_selection,
    say_state,
    say_time,
    say_version,
)
from dides.cli.options.output import clean
from dides.model.actor import SYSTEM, is_itself
from dides.model.state import State
from dides.protocol.messages import Deployment, Event, Instance, Target

EMPTY: tuple[object, ...] = (None, "", {})


def print_instances(instances: Sequence[Instance], updating: Set[str], console: Console) -> None:
    """Print instances, one a line; `updating` names those whose update is under way, which have not drifted."""
    messages = any(instance.message for instance in instances)
    columns: dict[str, Callable[[Instance], Cell]] = {
        "Name": lambda instance: instance.name,
        "Status": lambda instance: instance_status(instance, updating, console),
        "Current": lambda instance: say_state(instance.current),
        "Desired": lambda instance: say_state(instance.desired),
        "Labels": lambda instance: say_labels(instance.labels),
        "Last heartbeat": lambda instance: say_time(instance.last_heartbeat_at),
        **({"Message": lambda instance: last_line(instance.message)} if messages else {}),
    }
    print_rows(instances, columns, console, keep=["Name"])


def print_deployments(deployments: Sequence[Deployment], console: Console) -> None:
    """Print deployments, one a line."""
    columns: dict[str, Callable[[Deployment], Cell]] = {
        "ID": lambda deployment: str(deployment.id),
        "Status": lambda deployment: DEPLOYMENT[deployment.status].text(console),
        "Version": say_version,
        "Instances": say_selection,
        "Done": say_done,
        "Failed": lambda deployment: str(deployment.progress.failed),
        "Created": lambda deployment: say_time(deployment.created_at),
    }
    print_rows(deployments, columns, console, keep=["ID"])


def print_targets(targets: Sequence[Target], console: Console) -> None:
    """Print targets of a deployment, one a line."""
    columns: dict[str, Callable[[Target], Cell]] = {
        "Instance": lambda target: target.instance,
        "State": lambda target: TARGET[target.state].text(console),
        "From": lambda target: say_state(target.from_),
        "To": lambda target: say_state(target.to),
        "Started": lambda target: say_time(target.assigned_at),
        "Took": say_took,
        **({"Attempt": lambda target: str(target.attempt)} if any(target.attempt > 1 for target in targets) else {}),
        **({"Why": say_why} if any(target.reason or target.message for target in targets) else {}),
    }
    print_rows(targets, columns, console, keep=["Instance"])


def print_events(events: Sequence[Event], console: Console) -> None:
    """Print events, one a line, in the order in which they happened."""
    columns: dict[str, Callable[[Event], Cell]] = {
        "Time": lambda event: say_time(event.at),
        "What": lambda event: event.kind,
        "Deployment": lambda event: "-" if event.deployment_id is None else str(event.deployment_id),
        "Instance": lambda event: event.instance or "-",
        "Details": say_details,
    }
    print_rows(events, columns, console, keep=["Instance"])


def instance_status(instance: Instance, updating: Set[str], console: Console) -> Text:
    """Return how an instance says it is, and whether it cannot be reached, converges or has drifted."""
    parts = [STATUS[instance.status].text(console)]
    if not instance.reachable:
        parts.append(UNREACHABLE.text(console))
    if instance.duplicated:
        parts.append(DUPLICATED.text(console))
    if instance.converging:
        parts.append(CONVERGING.text(console))
    elif is_drifted(instance) and instance.name not in updating:
        parts.append(DRIFTED.text(console))
    return Text(" ").join(parts)


def say_labels(labels: dict[str, str]) -> str:
    """Return labels as `env=production role=web`, or `-`."""
    return " ".join(f"{key}={value}" for key, value in sorted(labels.items())) or "-"


def say_done(deployment: Deployment) -> str:
    """Return how many targets are final, of how many."""
    progress = deployment.progress
    return f"{progress.succeeded + progress.failed + progress.skipped}/{progress.total}"


def say_took(target: Target) -> str:
    """Return how long an update took, or `-`."""
    if target.assigned_at is None or target.finished_at is None:
        return "-"
    return say_duration((target.finished_at - target.assigned_at).total_seconds())


def say_why(target: Target) -> str:
    """Return why a target is as it is, on one line."""
    return ": ".join(part for part in (target.reason, last_line(target.message)) if part)


def say_details(event: Event) -> str:
    """Return who did it, when that was a person, and an event's data as `key=value` pairs."""
    by = [] if event.actor == SYSTEM or is_itself(event.actor, event.instance) else [f"by {event.actor}"]
    return " ".join([*by, *(f"{key}={say_value(value)}" for key, value in event.data.items() if value not in EMPTY)])


def say_value(value: object) -> str:
    """Return a value of an event's data: words on one line, a pair of versions in short, all else as JSON."""
    if isinstance(value, str):
        return last_line(value)
    if isinstance(value, dict) and set(value) == set(State.__struct_fields__):
        return say_state(msgspec.convert(value, State))
    return msgspec.json.encode(value).decode()


def last_line(text: str) -> str:
    """Return the last line of a message, where the error usually is."""
    lines = clean(text).splitlines()
    return lines[-1] if lines else ""
