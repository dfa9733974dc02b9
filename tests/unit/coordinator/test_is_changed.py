"""Which instances a batch of heartbeats writes: those of which anything is different but when they were heard of."""

import msgspec
import pytest

from dides.coordinator.transactions.ingest import is_changed
from dides.model.instance import Instance
from dides.model.sessions import Earlier, Sessions
from dides.model.state import State, Status
from support.stores import an_instance

NOT_BY_A_REPORT = {
    "id",
    "name",
    "ip",
    "labels",
    "owned",
    "apply",
    "registered_at",
    "desired",
    "generation",
    "assigned_by",
}
OTHER = {
    "status": Status.FAILED,
    "current": State("other"),
    "last_good": State("other"),
    "message": "other",
    "reachable": False,
    "heard": 9,
    "observed": 0,
    "sessions": Sessions("other", 1),
}


@pytest.mark.parametrize("field", sorted(set(Instance.__struct_fields__) - NOT_BY_A_REPORT - {"last_heartbeat_at"}))
def test_whatever_a_report_writes_is_a_change(field: str) -> None:
    before = an_instance()
    after = msgspec.structs.replace(before, **{field: OTHER[field]})
    assert is_changed(before, after)
    assert is_changed(after, before)


def test_the_time_and_the_number_alone_are_none() -> None:
    before = msgspec.structs.replace(an_instance(), sessions=Sessions("its", 1))
    assert not is_changed(before, msgspec.structs.replace(before, last_heartbeat_at=9))
    assert not is_changed(before, msgspec.structs.replace(before, sessions=Sessions("its", 2)))


def test_that_an_earlier_process_still_reports_is_one() -> None:
    before = msgspec.structs.replace(an_instance(), sessions=Sessions("its", 1, (Earlier("earlier", 1),)))
    after = msgspec.structs.replace(before, sessions=Sessions("its", 1, (Earlier("earlier", 2, (9,)),)))
    assert is_changed(before, after)
