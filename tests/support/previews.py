"""Previews of actions, for tests of what is made of them."""

from dides.model.deployment import Kind
from dides.protocol.action_preview import Action, ActionPreview

PREVIEW = ActionPreview(
    action=Action.PAUSE,
    deployment_id=7,
    kind=Kind.DEPLOY,
    why_not=None,
    paused=False,
    outage=False,
    pending=3,
    updating=1,
    succeeded=2,
    failed=0,
    window=4,
    stops_at=2,
    lapsed=0,
    wave=None,
    health_wait=None,
    soak_cut=None,
    stopped=None,
    returned=None,
)
"""Three pending targets, one updating and two that have succeeded, four at a time."""
