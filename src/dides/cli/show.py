"""Shows one deployment or one instance, for people or as JSON."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from dides.cli.output import Format, clean, make_console, print_json
from dides.cli.progress import ServerTime, counts, headline, verdict
from dides.cli.tables import Cell, instance_status, print_facts, print_targets, say_labels
from dides.cli.words import HELD_BY, in_flight, say_state, say_time
from dides.clock import SystemClock
from dides.protocol.messages import Deployment, Instance, Target


def show_deployment(deployment: Deployment, output: Format, *, watched: bool = False) -> None:
    """Show how a deployment stands; in words only unless it was watched, for then they have been said."""
    if output is Format.JSON:
        print_json(deployment)
    elif not watched:
        console = make_console()
        print_deployment(deployment, console)
        if in_flight(deployment):
            console.print("Watch it: dides status --watch", soft_wrap=True)


def print_deployment(deployment: Deployment, console: Console) -> None:
    """Print what a deployment is and how it stands."""
    console.print(Text(headline(deployment), style="bold"))
    console.print(verdict(deployment, ServerTime(SystemClock()), console))
    console.print(counts(deployment.progress, console))
    if deployment.held_by:
        console.print(Text(f"Held: {HELD_BY.get(deployment.held_by, deployment.held_by)}"))
    if deployment.rolled_back_by is not None:
        console.print(f"Rolled back by deployment {deployment.rolled_back_by}.")


def print_deployment_with_targets(deployment: Deployment, targets: Sequence[Target], console: Console) -> None:
    """Print everything about a deployment."""
    print_deployment(deployment, console)
    configuration = deployment.configuration
    print_facts(
        {
            "Created": f"{say_time(deployment.created_at)} by {deployment.created_by}",
            "Finished": say_time(deployment.finished_at),
            "Update timeout": f"{configuration.update_timeout:g} s",
            "Rolls back by itself": "yes" if configuration.auto_rollback else "no",
        },
        console,
    )
    console.print()
    print_targets(targets, console)


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
    if instance.message:
        facts["Message"] = clean(instance.message)
    print_facts(facts, console)
