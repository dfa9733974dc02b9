"""Events in words."""

import pytest

from dides.dashboard.history import Happened, happened
from dides.store.records import Event


def said(kind: str, data: dict[str, object] | None = None, actor: str = "coordinator") -> Happened:
    return happened(Event(at=0, kind=kind, actor=actor, deployment_id=7, instance="web-1", data=data or {}))


V2 = {"code_version": "2.0.0", "configuration_version": "b"}


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("instance.registered", {"ip": "192.0.2.1"}, "Registered from 192.0.2.1"),
        ("instance.relabelled", {"labels": {"b": "2", "a": "1"}}, "Was given other labels: a=1, b=2"),
        ("instance.relabelled", {"labels": {}}, "Was given other labels: none"),
        ("instance.reported", {"status": "FAILED", "message": "no"}, "Reported FAILED"),
        ("instance.reported", {"current": V2}, "Runs 2.0.0 config b"),
        (
            "instance.reported",
            {"returned": True, "status": "HEALTHY", "current": V2},
            "Came back, reported HEALTHY, runs 2.0.0 config b",
        ),
        ("target.told", {"desired": V2}, "Was told 2.0.0 config b"),
        ("target.told", {"desired": V2, "attempt": 2}, "Was told 2.0.0 config b, attempt 2"),
        ("target.failed", {"reason": "timed out"}, "Failed: timed out"),
        ("target.failed", {}, "Failed"),
        ("target.skipped", {"reason": "{ip} is no field"}, "Was skipped: {ip} is no field"),
        ("something.new", {"n": 1}, "something.new"),
    ],
)
def test_what_happened(kind: str, data: dict[str, object], expected: str) -> None:
    assert said(kind, data).what == expected


def test_what_an_instance_said_stands_apart() -> None:
    assert said("target.failed", {"reason": "it reported FAILED", "message": "disk full"}).message == "disk full"
    assert said("target.told").message == ""


def test_who_did_it_is_said_of_people_only() -> None:
    assert said("instance.relabelled", {"labels": {}}, actor="operator").actor == "operator"
    assert said("instance.reported", actor="web-1").actor == ""
    assert said("target.told").actor == ""
