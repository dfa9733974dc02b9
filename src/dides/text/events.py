"""What the event log says, in words: for every kind of event a sentence, and what it means."""

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum

import msgspec

from dides.protocol.messages import Event
from dides.text.format import plural, seconds, versions


class Group(StrEnum):
    """What an event is about."""

    DEPLOYMENT = "deployments"
    WAVE = "waves"
    TARGET = "targets"
    INSTANCE = "instances"


class EventText(msgspec.Struct, frozen=True):
    """A kind of event."""

    group: Group
    meaning: str
    """What it means, for those who see it for the first time."""
    sentence: Callable[[Event], str]
    """What happened: after the name of the instance where the event has one."""


def say(event: Event) -> str:
    """Return what happened: what is to follow the name of the instance, where the event has one."""
    event_text = KINDS.get(event.kind)
    return event_text.sentence(event) if event_text else event.kind.replace(".", " ").replace("_", " ")


def meaning(event: Event) -> str:
    """Return what an event of this kind means; "" for a kind that is not known here."""
    event_text = KINDS.get(event.kind)
    return event_text.meaning if event_text else ""


def group_of(kind: str) -> str:
    """Return what events of a kind are about; "" for a kind that is not known here."""
    return KINDS[kind].group.value if kind in KINDS else ""


def details(event: Event) -> list[tuple[str, str]]:
    """Return the data of an event as names and readable values, a policy field by field."""
    return [(name.replace("_", " "), text) for name, value in event.data.items() for name, text in _spread(name, value)]


def _spread(name: str, value: object) -> Iterator[tuple[str, str]]:
    if name == "policy" and isinstance(value, dict):
        yield from ((setting, _value(its)) for setting, its in value.items())
    else:
        yield name, _value(value)


def _value(value: object) -> str:
    if _is_state(value):
        return _versions(value)
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case str():
            return value or "none"
        case dict():
            return ", ".join(f"{key}={item}" for key, item in value.items()) or "none"
        case list() | tuple():
            return ", ".join(map(str, value)) or "none"
        case float():
            return f"{value:g}"
        case _:
            return str(value)


def _is_state(value: object) -> bool:
    return isinstance(value, dict) and bool(value) and value.keys() <= {"code_version", "configuration_version"}


def _versions(value: object) -> str:
    state = value if isinstance(value, dict) else {}
    return versions(state.get("code_version"), state.get("configuration_version"))


def _why(event: Event) -> str:
    """Return the reason and the last line of the message of an event, after a colon; "" without."""
    lines = str(event.data.get("message") or "").splitlines()
    parts = [str(event.data.get("reason") or ""), lines[-1] if lines else ""]
    said = ": ".join(part for part in parts if part)
    return f": {said}" if said else ""


def _plain(text: str) -> Callable[[Event], str]:
    return lambda event: f"{text}{_why(event)}"


def _of_deployment(text: str) -> Callable[[Event], str]:
    return lambda event: f"Deployment {event.deployment_id} {text}{_why(event)}"


def _triggered(event: Event) -> str:
    targets = plural(int(str(event.data.get("targets", 0))), "target")
    if undone := event.data.get("rollback_of"):
        return f"Rollback {event.deployment_id} of deployment {undone} began, with {targets}"
    return f"Deployment {event.deployment_id} of {_versions(event.data.get('to'))} was triggered, with {targets}"


def _wave(text: str) -> Callable[[Event], str]:
    def sentence(event: Event) -> str:
        number = event.data.get("open", event.data.get("wave", ""))
        of = f" of {event.data['of']}" if "of" in event.data else ""
        return f"Wave {number}{of} {text}"

    return sentence


def _soaking(event: Event) -> str:
    pause = event.data.get("seconds")
    for_long = f"soaks for {seconds(pause)}" if isinstance(pause, int | float) else "waits until it is promoted"
    return f"{_wave('complete,')(event)} {for_long}"


def _held(event: Event) -> str:
    lapsed = int(str(event.data.get("lapsed", 0)))
    verb = "is" if lapsed == 1 else "are"
    return f"{_wave('waits:')(event)} {plural(lapsed, 'instance')} that had succeeded {verb} not HEALTHY at the target"


def _assigned(event: Event) -> str:
    attempt = event.data.get("attempt")
    again = f" (attempt {attempt})" if attempt else ""
    return f"started updating to {_versions(event.data.get('desired'))}{again}"


def _left_out(event: Event) -> str:
    number = plural(int(str(event.data.get("targets", 0))), "target")
    return f"{number} of deployment {event.deployment_id} skipped{_why(event)}"


def _reported(event: Event) -> str:
    parts = ["returned"] if event.data.get("returned") else []
    if status := event.data.get("status"):
        parts.append(f"reports {status}")
    if "current" in event.data:
        parts.append(f"runs {_versions(event.data['current'])}")
    if repeated := event.data.get("repeated"):
        parts.append(f"has done so {_value(repeated)} times more within a minute")
    return (" and ".join(parts) or "reported") + _why(event)


def _registered_again(event: Event) -> str:
    return "registered again" if event.data.get("same") else "was taken up by another machine under the same name"


def _relabelled(event: Event) -> str:
    return f"has the labels {_value(event.data.get('labels'))}"


def _inherited(event: Event) -> str:
    desired = _versions(event.data.get("desired"))
    return f"came late, and started updating to {desired}, as of deployment {event.deployment_id}"


def _stopped(event: Event) -> str:
    failed = plural(int(str(event.data.get("failed", 0))), "failure")
    return f"Deployment {event.deployment_id} is given to no more late instances after {failed}"


_D, _W, _T, _I = Group
KINDS: Mapping[str, EventText] = {
    "deployment.triggered": EventText(_D, "An operator triggered a deployment, or a rollback began.", _triggered),
    "deployment.paused": EventText(_D, "No new updates start until it is resumed.", _of_deployment("was paused")),
    "deployment.resumed": EventText(_D, "It goes on; its timeouts have stood still.", _of_deployment("was resumed")),
    "deployment.outage_began": EventText(
        _D, "Most instances fell silent at once: no new updates start.", _of_deployment("is held by an outage")
    ),
    "deployment.outage_ended": EventText(
        _D, "Enough report again, or it was to go on all the same.", _of_deployment("is no longer held by an outage")
    ),
    "deployment.completed": EventText(
        _D, "All its targets are done, and few enough failed.", _of_deployment("completed")
    ),
    "deployment.failed": EventText(_D, "Too many targets failed, or it took too long.", _of_deployment("failed")),
    "deployment.aborted": EventText(_D, "An operator stopped it where it was.", _of_deployment("was aborted")),
    "wave.opened": EventText(_W, "The next targets may start.", _wave("was opened")),
    "wave.soaking": EventText(_W, "Its targets are watched before the next wave opens.", _soaking),
    "wave.held": EventText(_W, "Not all that succeeded in it is HEALTHY at the target now.", _held),
    "wave.promoted": EventText(_W, "An operator let the next wave begin.", _wave("was promoted")),
    "target.assigned": EventText(_T, "It has a new desired state, and its update begins.", _assigned),
    "target.succeeded": EventText(_T, "It is HEALTHY at the target.", _plain("succeeded")),
    "target.failed": EventText(_T, "It reported FAILED, took too long, or fell silent.", _plain("failed")),
    "target.skipped": EventText(_T, "It was left out, or stopped.", _plain("was skipped")),
    "target.postponed": EventText(
        _T, "An attempt failed, and the next one will follow.", _plain("waits for its next attempt")
    ),
    "target.joined": EventText(_T, "It registered meanwhile, and stands at the end of the order.", _plain("joined")),
    "target.withdrawn": EventText(_T, "It was decommissioned before its end.", _plain("is no target any more")),
    "targets.skipped": EventText(_T, "They had not started when it ended.", _left_out),
    "instance.registered": EventText(_I, "A new instance is in the inventory.", _plain("registered")),
    "instance.registered_again": EventText(_I, "An instance that was known presented itself.", _registered_again),
    "instance.relabelled": EventText(_I, "An operator changed its labels.", _relabelled),
    "instance.decommissioned": EventText(_I, "An operator removed it.", _plain("was decommissioned")),
    "instance.reported": EventText(_I, "Its heartbeat said something new.", _reported),
    "instance.unreachable": EventText(_I, "It was silent for its time to live.", _plain("is unreachable")),
    "convergence.stopped": EventText(
        _D, "Late instances failed on its state, one after another: no more get it.", _stopped
    ),
    "convergence.resumed": EventText(
        _D, "An operator lets late instances get its state again.", _of_deployment("is given to late instances again")
    ),
    "instance.duplicated": EventText(
        _I, "Two agents report as it, with copies of one state directory.", _plain("is reported by two agents")
    ),
    "instance.inherited": EventText(_I, "It gets the state that it has missed.", _inherited),
    "instance.disinherited": EventText(
        _I, "What it had inherited was rolled back.", _plain("no longer inherits what was rolled back")
    ),
}
