"""Shows one deployment or one instance, for people or as JSON."""

from collections.abc import Sequence

from msgspec import UNSET
from rich.console import Console
from rich.text import Text

from dides.cli.display.layout import Cell, print_facts
from dides.cli.display.marks import in_flight, say_state, say_time, say_wave
from dides.cli.display.progress import ServerTime, counts, headline, verdict
from dides.cli.display.tables import instance_status, print_targets, say_labels
from dides.cli.options.output import Format, clean, make_console, print_json
from dides.protocol.action_preview import ActionPreview
from dides.protocol.messages import Configuration, Deployment, Instance, Target, Why
from dides.protocol.settings import settings
from dides.runtime.clock import SystemClock
from dides.text.action_preview import consequences, question
from dides.text.holds_in_short import in_short

IN_HEADLINE = ("batch_size", "failure_threshold")
ALWAYS_SHOWN = ("update_timeout", "auto_rollback")


def show_deployment(deployment: Deployment, output: Format, *, watched: bool = False) -> None:
    """Show how a deployment stands; in words only unless it was watched, for then they have been said."""
    if output is Format.JSON:
        print_json(deployment)
    elif not watched:
        console = make_console()
        print_deployment(deployment, console)
        if in_flight(deployment):
            console.print("Watch it: dides status --watch", soft_wrap=True)


def show_preview(preview: ActionPreview, output: Format) -> None:
    """Show what an action would do to a deployment."""
    if output is Format.JSON:
        print_json(preview)
        return
    console = make_console()
    console.print(Text(question(preview).replace("?", ":"), style="bold"))
    for line in consequences(preview):
        console.print(clean(line), soft_wrap=True)
    console.print("Nothing was changed.")


def print_deployment(deployment: Deployment, console: Console) -> None:
    """Print what a deployment is and how it stands."""
    console.print(Text(headline(deployment), style="bold"))
    console.print(verdict(deployment, ServerTime(SystemClock()), console))
    console.print(counts(deployment.progress, console))
    if wave := say_wave(deployment):
        console.print(f"{wave.capitalize()}.")
    if held := in_short(deployment.held_by):
        console.print(Text(f"Held: {held}"))
    if deployment.rolled_back_by is not None:
        console.print(say_rolled_back(deployment.rolled_back_by, deployment))


def say_rolled_back(rollback_id: int, deployment: Deployment) -> str:
    """Return which rollback has undone a deployment, or was aborted before it had."""
    if deployment.withdrawn:
        return f"Rolled back by deployment {rollback_id}."
    return f"Its rollback, deployment {rollback_id}, was aborted; dides rollback {deployment.id} begins it again."


def print_deployment_with_targets(deployment: Deployment, targets: Sequence[Target], console: Console) -> None:
    """Print everything about a deployment."""
    print_deployment(deployment, console)
    print_facts(
        {
            "Created": f"{say_time(deployment.created_at)} by {deployment.created_by}",
            "Finished": say_time(deployment.finished_at),
            **say_configuration(deployment.configuration),
        },
        console,
    )
    console.print()
    print_targets(targets, console)


def say_configuration(configuration: Configuration) -> dict[str, str]:
    """Return how a deployment proceeds, beyond what its headline says, by the names of the settings.

    A setting that is as it would be anyway is left out, but for the two that matter most when an update fails.
    """
    shown: dict[str, str] = {}
    for name, setting in settings().items():
        value = getattr(configuration, name)
        if name not in IN_HEADLINE and (name in ALWAYS_SHOWN or value != setting.default):
            shown[setting.label] = _say_value(value)
    return shown


def _say_value(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g} s"
        case tuple():
            return ", ".join(map(str, value))
        case _:
            return str(value)


def say_why(why: Why) -> str:
    """Return why an instance was updated, or was not: the cause, the sentence, what holds it, since when and until."""
    held = f" Held by {why.held_by}: {in_short(why.held_by)}." if why.held_by else ""
    since = "" if why.since is None else f"since {say_time(why.since)}"
    until = "" if why.until is None else f"until {say_time(why.until)}"
    times = ", ".join(time for time in (since, until) if time)
    text = f"{why.cause.replace('_', ' ')}: {why.message}{held}"
    return clean(f"{text} ({times})" if times else text)


def print_instance(instance: Instance, *, updating: bool, console: Console) -> None:
    """Print everything about an instance."""
    facts: dict[str, Cell] = {
        "Name": instance.name,
        "IP": instance.ip,
        "Labels": say_labels(instance.labels),
        "Status": instance_status(instance, {instance.name} if updating else set(), console),
        "Current": say_state(instance.current),
        "Desired": say_state(instance.desired),
        "Generation": str(instance.generation),
        "Updating": "yes" if updating else "no",
        "Registered": say_time(instance.registered_at),
        "Last heartbeat": say_time(instance.last_heartbeat_at),
    }
    if instance.why is not UNSET:
        facts["Why"] = say_why(instance.why)
    if instance.duplicated:
        facts["Duplicated"] = "two agents report as it: stop one, or give it a name and a state directory of its own"
    if instance.message:
        facts["Message"] = clean(instance.message)
    print_facts(facts, console)
