"""What to think about before a deployment is triggered. Every rule gives a sentence that says what to do."""

from collections.abc import Callable, Sequence

import msgspec

from dides.engine.limits import Limits
from dides.model.instance import Matched
from dides.model.policy import Policy, count_of
from dides.model.state import Status


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules look at."""

    policy: Policy
    limits: Limits
    matched: Sequence[Matched]
    targets: Sequence[Matched]
    """Those matched that are not at the target already, the unreachable among them."""
    window: int
    """How many of the targets can be updating at once."""
    whole_fleet: bool
    in_flight: int | None
    there: int = 0
    """How many of those matched are at the target already."""


def warnings_of(outlook: Outlook) -> tuple[str, ...]:
    """Return what there is to think about, the gravest first."""
    return tuple(warning for rule in RULES if (warning := rule(outlook)))


def another_in_flight(outlook: Outlook) -> str | None:
    """One deployment at a time: a trigger would be refused."""
    if outlook.in_flight is None:
        return None
    return f"Deployment {outlook.in_flight} is in flight: until it has ended, or you abort it, a trigger is refused."


def selects_whole_fleet(outlook: Outlook) -> str | None:
    """Nothing that exists is left out."""
    if not outlook.whole_fleet:
        return None
    return f"The selector matches the whole fleet ({_instances(outlook.matched)}): narrow it unless you mean all of it."


def forces_those_there(outlook: Outlook) -> str | None:
    """Those at the target are updated as well, but for clients that cannot be asked for that."""
    if not outlook.policy.force or not outlook.matched:
        return None
    there = f"force updates those at the target, too ({outlook.there} of {_instances(outlook.matched)})"
    unforced = sum(not instance.sends_observed for instance in outlook.matched)
    if not unforced:
        return f"{there}: leave it out unless what they run has to be applied again."
    return (
        f"{there}, but cannot make {unforced} of them apply again, which {_send(unforced)} no observed: see to those."
    )


def many_unhealthy(outlook: Outlook) -> str | None:
    """Half of the targets or more are not HEALTHY before anything was done."""
    unhealthy = sum(each.status is not Status.HEALTHY for each in outlook.targets)
    if not unhealthy or 2 * unhealthy < len(outlook.targets):
        return None
    return (
        f"{unhealthy} of {_targets(outlook.targets)} {_are(unhealthy)} not HEALTHY already: find out why before you "
        "change what they run."
    )


def cannot_trip(outlook: Outlook) -> str | None:
    """In no wave can as many fail as the threshold wants."""
    amount, most = outlook.policy.failure_threshold, len(outlook.targets)
    if not most or any(count_of(amount, size) <= min(size, most) for size in outlook.limits.waves):
        return None
    return (
        f"failure_threshold ({amount}) can never be reached, with {_targets(outlook.targets)} that may fail: choose a "
        "smaller one, or only a wave without any success will stop it."
    )


def held_from_the_start(outlook: Outlook) -> str | None:
    """`max_unavailable` leaves no room for those that are HEALTHY."""
    cap = outlook.limits.max_unavailable
    unhealthy = sum(each.status is not Status.HEALTHY for each in outlook.matched)
    if cap is None or unhealthy < cap or not any(each.status is Status.HEALTHY for each in outlook.targets):
        return None
    return (
        f"max_unavailable ({cap}) holds it from the start, because {unhealthy} of {_instances(outlook.matched)} "
        f"{_are(unhealthy)} not HEALTHY: repair those first, or raise it."
    )


def all_at_once(outlook: Outlook) -> str | None:
    """Nothing is left to be spared when the version is bad."""
    number = sum(each.reachable for each in outlook.targets)
    if number < 2 or outlook.window < number or len(outlook.limits.waves) > 1:
        return None
    return f"All {number} targets are updated at once: set a smaller batch_size, or waves, to find out on a few."


def pause_without_waves(outlook: Outlook) -> str | None:
    """There is no second wave to wait for."""
    if outlook.policy.wave_pause == 0 or len(outlook.limits.waves) > 1:
        return None
    return 'wave_pause has no effect, because there is only one wave: set waves, such as [1, "10%"].'


def nothing_to_spread(outlook: Outlook) -> str | None:
    """Every matched instance has the same value of the label, or none has the label."""
    label, values = outlook.policy.spread_by, {each.spread for each in outlook.matched}
    if label is None or len(values) > 1 or len(outlook.matched) == 1:
        return None
    have = "has no" if values == {""} else "has the same"
    return f"spread_by has no effect, because every matched instance {have} label {label}: name one that differs."


def some_unreachable(outlook: Outlook) -> str | None:
    """They are passed over unless they return in time."""
    number = sum(not each.reachable for each in outlook.matched)
    if not number:
        return None
    if outlook.targets and not any(each.reachable for each in outlook.targets):
        return f"None of {_targets(outlook.targets)} is reachable, so it would end at once: see that the agents run."
    return (
        f"{number} of {_instances(outlook.matched)} {_are(number)} unreachable, and skipped unless back in time: see "
        "that the agents run, or decommission what is gone."
    )


def _instances(each: Sequence[Matched]) -> str:
    return f"{len(each)} instance{'' if len(each) == 1 else 's'}"


def _targets(each: Sequence[Matched]) -> str:
    return f"{len(each)} target{'' if len(each) == 1 else 's'}"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _send(number: int) -> str:
    return "sends" if number == 1 else "send"


Rule = Callable[[Outlook], str | None]
RULES: tuple[Rule, ...] = (
    another_in_flight,
    selects_whole_fleet,
    forces_those_there,
    many_unhealthy,
    cannot_trip,
    held_from_the_start,
    all_at_once,
    pause_without_waves,
    nothing_to_spread,
    some_unreachable,
)
