"""Each warning, when it is given and when it is not. Every one is a sentence that says what to do."""

from collections.abc import Sequence

import msgspec
import pytest

from dides.engine.forecast import Circumstances, forecast
from dides.engine.warning import RULES
from dides.model.instance import Matched
from dides.model.policy import Policy
from dides.model.state import Status
from support.builders import V1, V2

ALONE = Circumstances()


def matched(number: int, **changes: object) -> Matched:
    return Matched(number, f"web-{number}", **{"current": V1, **changes})  # type: ignore[arg-type]


def healthy(number: int) -> list[Matched]:
    return [matched(each) for each in range(1, number + 1)]


def failed(number: int) -> list[Matched]:
    return [matched(each, status=Status.FAILED) for each in range(101, number + 101)]


def there(number: int) -> list[Matched]:
    return [matched(each, current=V2) for each in range(201, number + 201)]


def away(number: int) -> list[Matched]:
    return [matched(each, status=Status.UNKNOWN, reachable=False) for each in range(301, number + 301)]


def warnings(fleet: Sequence[Matched], around: Circumstances = ALONE, **policy: object) -> str:
    return "\n".join(forecast(Policy(**policy), V2, fleet, around).warnings)  # type: ignore[arg-type]


def test_an_ordinary_deployment_has_none() -> None:
    assert warnings([*healthy(8), *there(2), *failed(1)], waves=(1, "10%"), wave_pause=60, max_unavailable=5) == ""


def test_another_deployment_is_in_flight() -> None:
    assert warnings(healthy(3), Circumstances(in_flight=7)) == (
        "Deployment 7 is in flight: until it has ended, or you abort it, a trigger is refused."
    )


def test_the_whole_fleet() -> None:
    assert warnings(healthy(3), Circumstances(whole_fleet=True)) == (
        "The selector matches the whole fleet (3 instances): narrow it unless you mean all of it."
    )


def test_half_of_the_targets_are_not_healthy() -> None:
    assert warnings([*healthy(2), *failed(2)]) == (
        "2 of 4 targets are not HEALTHY already: find out why before you change what they run."
    )
    assert warnings([*healthy(3), *failed(2)]) == ""
    assert "1 of 1 target is not HEALTHY" in warnings([*failed(1), *there(5)]), "those that are there are no targets"


@pytest.mark.parametrize(
    ("targets", "policy", "warned"),
    [
        (3, {"failure_threshold": 4}, True),
        (3, {"failure_threshold": 3}, False),
        (3, {"failure_threshold": "100%"}, True),  # of the 5 that match
        (3, {"failure_threshold": "60%"}, False),
        (3, {"failure_threshold": "80%", "waves": (2,)}, False),  # 2 of the first wave
        (3, {"failure_threshold": 3, "waves": (2,)}, False),  # in the last wave
        (0, {"failure_threshold": 4}, False),
    ],
)
def test_a_threshold_that_can_never_be_reached(targets: int, policy: dict[str, object], warned: bool) -> None:
    found = warnings([*healthy(targets), *there(5 - targets)], ALONE, **policy)
    assert ("can never be reached, with 3 targets that may fail" in found) is warned, found


def test_max_unavailable_that_leaves_no_room() -> None:
    fleet = [*healthy(8), *failed(2)]
    assert warnings(fleet, max_unavailable=2) == (
        "max_unavailable (2) holds it from the start, because 2 of 10 instances are not HEALTHY: "
        "repair those first, or raise it."
    )
    assert warnings(fleet, max_unavailable=3) == ""
    assert "max_unavailable" not in warnings([*there(8), *failed(2)], max_unavailable=2), "those need no room"


def test_everything_at_once() -> None:
    assert warnings(healthy(4), batch_size="100%") == (
        "All 4 targets are updated at once: set a smaller batch_size, or waves, to find out on a few."
    )
    assert "All 4" in warnings([*healthy(4), *away(1)], batch_size=4), "the reachable ones are all there is to it"
    assert warnings(healthy(4), batch_size=3) == ""
    assert warnings(healthy(4), batch_size=4, waves=(1,)) == ""
    assert warnings(healthy(4), batch_size=4, max_unavailable=2) == ""
    assert warnings(healthy(1)) == ""


def test_a_pause_between_waves_of_which_there_is_one() -> None:
    for pause in (60.0, "manual"):
        assert warnings(healthy(4), wave_pause=pause) == (
            'wave_pause has no effect, because there is only one wave: set waves, such as [1, "10%"].'
        )
        assert warnings(healthy(4), wave_pause=pause, waves=(1,)) == ""
    assert "wave_pause" in warnings(healthy(1), wave_pause=60.0, waves=(1, "10%")), "over one instance it comes to one"


def test_a_label_that_spreads_nothing() -> None:
    one_zone = [msgspec.structs.replace(each, spread="a") for each in healthy(3)]
    two_zones = [*one_zone, matched(9, spread="b")]
    assert warnings(healthy(3), spread_by="zone").startswith(
        "spread_by has no effect, because every matched instance has no label zone"
    )
    assert "has the same label zone" in warnings(one_zone, spread_by="zone")
    assert warnings(two_zones, spread_by="zone") == ""
    assert warnings(one_zone) == ""


def test_some_are_unreachable() -> None:
    assert warnings([*healthy(4), *away(1)]) == (
        "1 of 5 instances is unreachable, and skipped unless back in time: "
        "see that the agents run, or decommission what is gone."
    )
    assert "2 of 7 instances are unreachable" in warnings([*healthy(5), *away(2)])


def test_none_is_reachable() -> None:
    found = warnings([*away(2), *there(3)], batch_size=2)
    assert "None of 2 targets is reachable, so it would end at once: see that the agents run." in found


def test_every_rule_says_in_one_line_when_it_matters() -> None:
    assert all(rule.__doc__ and "\n" not in rule.__doc__ for rule in RULES)


def test_force_updates_those_at_the_target_too() -> None:
    assert warnings([*healthy(3), *there(2)], force=True) == (
        "force updates those at the target, too (2 of 5 instances): leave it out unless what they run has to be "
        "applied again."
    )


@pytest.mark.parametrize(("number", "send"), [(1, "sends"), (2, "send")])
def test_clients_that_send_no_observed_cannot_be_forced(number: int, send: str) -> None:
    plain = [matched(400 + each, sends_observed=False) for each in range(number)]
    assert warnings([*there(2), *plain], batch_size=2, failure_threshold=1, force=True, waves=(1,)) == (
        f"force updates those at the target, too (2 of {2 + number} instances), but cannot make {number} of them apply "
        f"again, which {send} no observed: see to those."
    )
    assert "force" not in warnings([*there(2), *plain])
