"""What the event log says in words: of every kind that is logged, and of any data."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

import dides.coordinator
from dides.model.deployment import DeploymentStatus, TargetState
from dides.protocol.messages import Event
from dides.text.events import KINDS, details, group_of, meaning, say

SOURCE = Path(dides.coordinator.__path__[0])
FINAL = [DeploymentStatus.COMPLETED, DeploymentStatus.FAILED, DeploymentStatus.ABORTED]
SETTLED = [TargetState.SUCCEEDED, TargetState.FAILED, TargetState.SKIPPED]


def event(kind: str, instance: str | None = None, **data: object) -> Event:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Event(id=1, at=at, kind=kind, deployment_id=7, instance=instance, actor="anna", data=data)


def logged_kinds() -> set[str]:
    """Return the kinds in the code that logs, those that it puts together among them."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(SOURCE.rglob("*.py")))
    written = set(re.findall(r'"((?:deployment|convergence|wave|targets?|instance)\.[a-z_]+)"', text))
    made = set(re.findall(r'f"(\w+)\.\{', text))
    assert made == {"deployment", "target"}
    return written | {f"deployment.{each.value}" for each in FINAL} | {f"target.{each.value}" for each in SETTLED}


def test_every_kind_that_is_logged_has_a_sentence_and_no_other_has() -> None:
    assert set(KINDS) == logged_kinds()


@pytest.mark.parametrize("kind", KINDS)
def test_a_sentence_can_be_made_without_any_data(kind: str) -> None:
    assert say(event(kind))
    assert meaning(event(kind)).endswith(".")
    assert group_of(kind) in ("deployments", "waves", "targets", "instances")


TO = {"code_version": "1.1.0", "configuration_version": None}


@pytest.mark.parametrize(
    ("happened", "said"),
    [
        (event("deployment.triggered", to=TO, targets=20), "Deployment 7 of 1.1.0 was triggered, with 20 targets"),
        (event("deployment.triggered", rollback_of=6, targets=1), "Rollback 7 of deployment 6 began, with 1 target"),
        (event("deployment.failed", reason="1 of 1 failed"), "Deployment 7 failed: 1 of 1 failed"),
        (event("wave.opened", open=2, of=3), "Wave 2 of 3 was opened"),
        (event("wave.soaking", wave=1, of=3, seconds=90.0), "Wave 1 of 3 complete, soaks for 1 min 30 s"),
        (event("wave.promoted", wave=1), "Wave 1 was promoted"),
        (event("target.assigned", "web-1", desired=TO), "started updating to 1.1.0"),
        (event("target.assigned", "web-1", desired=TO, attempt=2), "started updating to 1.1.0 (attempt 2)"),
        (event("target.failed", "web-1", reason="reported FAILED", message="a\nb"), "failed: reported FAILED: b"),
        (event("targets.skipped", reason="not started", targets=9), "9 targets of deployment 7 skipped: not started"),
        (
            event("instance.reported", "web-1", returned=True, status="HEALTHY", current=TO, message=""),
            "returned and reports HEALTHY and runs 1.1.0",
        ),
        (event("instance.registered_again", "web-1", same=True), "registered again"),
        (event("instance.relabelled", "web-1", labels={"env": "a"}), "has the labels env=a"),
        (event("something.new"), "something new"),
    ],
)
def test_what_happened_in_words(happened: Event, said: str) -> None:
    assert say(happened) == said


def test_details_are_readable() -> None:
    policy = {"batch_size": "25%", "waves": [1, "10%"], "deadline": None, "auto_rollback": True, "wave_pause": 0.5}
    assert details(event("deployment.triggered", to=TO, policy=policy)) == [
        ("to", "1.1.0"),
        ("batch size", "25%"),
        ("waves", "1, 10%"),
        ("deadline", "none"),
        ("auto rollback", "yes"),
        ("wave pause", "0.5"),
    ]


def test_a_kind_that_is_not_known_here_has_no_meaning_and_no_group() -> None:
    assert meaning(event("something.new")) == group_of("something.new") == ""
