"""An action's numbers in sentences."""

import pytest
from msgspec.structs import replace

from dides.model.deployment import Kind
from dides.model.state import State
from dides.protocol.action_preview import Action, PreviewedReturn, PreviewedStop, PreviewedWave
from dides.text.action_preview import NAMES, consequences, question
from support.previews import PREVIEW

STOPPED = PreviewedStop(pending=3, updating=2, restored=1)


def said(action: Action, **fields: object) -> str:
    return " ".join(consequences(replace(PREVIEW, action=action, **fields)))


def returned(instances: int = 3, to: State | None = None, nowhere: int = 0) -> PreviewedReturn:
    return PreviewedReturn(instances=instances, to=to, nowhere=nowhere, worked_out=True)


@pytest.mark.parametrize(
    ("action", "fields", "sentence"),
    [
        (Action.PAUSE, {}, "3 pending targets are not started until somebody resumes it."),
        (Action.PAUSE, {}, "1 updating target goes on, and is judged as before: it still stops when 2 targets have"),
        (Action.PAUSE, {"stops_at": None}, "judged as before. Timeouts"),
        (Action.RESUME, {}, "3 pending targets may start from now on, at most 4 updating at once. Timeouts"),
        (Action.RESUME, {"wave": PreviewedWave(number=1, of=3, room=1)}, "Wave 1 of 3 lets 1 more of them start."),
        (Action.RESUME, {"outage": True}, "Instances that are silent count as silent from now on"),
        (
            Action.PROMOTE,
            {"lapsed": 1, "health_wait": 600.0},
            "It first waits for 1 that had succeeded and is not HEALTHY",
        ),
        (
            Action.PROMOTE,
            {"wave": PreviewedWave(number=2, of=2, room=3)},
            "Wave 2 of 2 opens, the last one: up to 3 more",
        ),
        (
            Action.PROMOTE,
            {"wave": PreviewedWave(number=2, of=3, room=3), "lapsed": 2, "soak_cut": 90.0, "paused": True},
            "are not HEALTHY at the target now. The rest of the soak of 1 min 30 s is left out. It stays paused",
        ),
        (
            Action.ABORT,
            {"stopped": STOPPED},
            "1 has read the new version and goes on with it; 1 is not known to have, and",
        ),
        (Action.ABORT, {"stopped": STOPPED}, "2 targets succeeded and 0 failed: they stay as they are."),
        (
            Action.ABORT_AND_ROLL_BACK,
            {"stopped": STOPPED, "returned": returned(3, State("1"))},
            "3 instances return to 1.",
        ),
        (Action.ROLL_BACK, {"returned": returned(1)}, "1 instance returns to what each of them had before."),
        (
            Action.ROLL_BACK,
            {"returned": returned(1, nowhere=2)},
            "2 instances have nothing known to return to: skipped",
        ),
        (Action.ROLL_BACK, {"returned": returned(0)}, "No instance was assigned anything"),
    ],
)
def test_what_an_action_does_is_said(action: Action, fields: dict[str, object], sentence: str) -> None:
    assert sentence in said(action, **fields)


@pytest.mark.parametrize("action", Action)
def test_why_an_action_would_not_act_is_all_that_is_said(action: Action) -> None:
    assert said(action, why_not="Deployment 7 has ended.") == "Deployment 7 has ended."


@pytest.mark.parametrize("action", Action)
def test_the_question_names_the_action_and_the_deployment(action: Action) -> None:
    assert question(replace(PREVIEW, action=action)) == f"{NAMES[action]} deployment 7?"
    assert question(replace(PREVIEW, action=action, kind=Kind.ROLLBACK)) == f"{NAMES[action]} rollback 7?"
