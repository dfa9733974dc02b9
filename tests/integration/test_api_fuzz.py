"""Schemathesis against the OpenAPI document: what it promises is so, and nothing that it does not is accepted."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis.engine import events, from_schema
from schemathesis.python.asgi import shutdown_lifespans

from dides.api.access import Access
from dides.api.app import create_app, create_routes
from dides.coordinator.coordinator import Coordinator
from dides.coordinator.credentials import hash_of
from dides.runtime.clock import SystemClock
from support.app import MANUAL, OPERATOR
from support.sqlite import sqlite_store

PROMISED = ["2xx", "401", "403", "404", "409"]
LISTS = ("/inventory/instances", "/deployments", "/deployments/{id}/instances")
LOGS = ("/deployments/{id}/events", "/events")
ACTIONS = tuple(f"/deploy/{action}" for action in ("abort", "pause", "progress", "promote", "resume", "rollback"))
UNSAID = (
    "/deploy",
    "/deploy/plan",
    *ACTIONS,
    "/inventory/instances/{name}",
    "/inventory/register",
    "/converge/resume",
    *LISTS,
    *LOGS,
)
"""A schema cannot say what a selector or a cursor is and matches, that an integer is written without a point, or that
only a credential lets the token be left out."""
IN_THE_EXAMPLE = "your-registration-token"
CONFIG: dict[str, Any] = {
    "base-url": "http://localhost",
    "generation": {"deterministic": True, "database": "none", "max-examples": 30},
    "continue-on-failure": True,
    "phases": {"stateful": {"generation": {"max-examples": 10}}},
    "checks": {"positive_data_acceptance": {"expected-statuses": PROMISED}},
    "operations": [
        {"include-path": path, "checks": {"positive_data_acceptance": {"expected-statuses": [*PROMISED, "422"]}}}
        for path in UNSAID
    ],
}


class Findings:
    """What came of trying an application out."""

    def __init__(self) -> None:
        self.failures: list[str] = []
        """What was not as described."""
        self.statuses: Counter[int] = Counter()
        """How many answers had which status."""

    def take(self, event: events.EngineEvent) -> None:
        """Note what an event tells."""
        if isinstance(event, events.NonFatalError | events.FatalError):
            self.failures.append(repr(event))
        if not isinstance(event, events.ScenarioFinished):
            return
        answers = {case: each.response for case, each in event.recorder.interactions.items()}
        self.statuses.update(answer.status_code for answer in answers.values() if answer)
        for case, checks in event.recorder.checks.items():
            for check in checks:
                if check.failure_info:
                    answer = answers[case]
                    self.failures.append(f"{check.name}: {check.failure_info} {answer.text if answer else ''}")


def try_out(directory: Path, *, dev: bool) -> Findings:
    """Try an application out against its own description."""
    store = sqlite_store(directory / "dides.db", SystemClock())
    coordinator = Coordinator(store, SystemClock(), MANUAL)
    access = Access(operator=hash_of(OPERATOR), registration=hash_of(IN_THE_EXAMPLE), dev=dev)
    app: Any = create_app(create_routes("0.0.0", dev=dev), coordinator, access, "0.0.0")
    coordinator.release()  # Held queries are for other tests: here they are answered at once.
    config = CONFIG if dev else {**CONFIG, "headers": {"Authorization": f"Bearer {OPERATOR}"}}
    findings = Findings()
    try:
        chosen = schemathesis.Config.from_dict(config)
        for event in from_schema(schemathesis.openapi.from_asgi("/schema/openapi.json", app, config=chosen)).execute():
            findings.take(event)
    finally:
        shutdown_lifespans()
        asyncio.run(store.close())
    return findings


def test_in_the_development_mode(tmp_path: Path) -> None:
    findings = try_out(tmp_path, dev=True)
    assert findings.failures == []
    assert findings.statuses.total() > 1000, findings.statuses
    assert {200, 201, 204, 404, 409, 422} <= set(findings.statuses), findings.statuses


def test_with_the_operators_token(tmp_path: Path) -> None:
    findings = try_out(tmp_path, dev=False)
    assert findings.failures == []
    assert {200, 201, 204, 401, 403, 404, 422} <= set(findings.statuses), findings.statuses
