"""Random policies for deployments: the one place to extend when a policy gets a further field."""

from random import Random
from typing import Any

from dides.model.policy import Ordering, Policy

NONE: tuple[None, ...] = (None,)


def draw_policy(chance: Random) -> Policy:
    """Return a policy in which every field may matter, and most often some do."""
    known = {name: value for name, value in _draw(chance).items() if name in Policy.__struct_fields__}
    return Policy(**known)


def _draw(chance: Random) -> dict[str, Any]:
    choose = chance.choice
    return {
        "batch_size": choose((1, 1, 2, 2, 3, "25%", "50%", "100%")),
        "failure_threshold": choose((1, 1, 2, 3, "20%", "34%", "100%")),
        "update_timeout": choose((15.0, 20.0, 35.0)),
        "auto_rollback": chance.random() < 0.75,
        "waves": choose(((), (), (), (1,), (2,), (1, "50%"), ("20%", "60%"), (1, 3))),
        "wave_pause": choose((0.0, 0.0, 4.0, 8.0, "manual")),
        "min_healthy_time": choose((0.0, 0.0, 0.0, 2.0, 5.0)),
        "deadline": choose((*NONE * 6, 25.0, 60.0)),
        "max_unavailable": choose((*NONE * 5, 1, 2, "40%")),
        "spread_by": choose((*NONE * 4, "zone")),
        "retries": choose((0, 0, 0, 1, 2)),
        "order": choose((Ordering.NAME, Ordering.SHUFFLE)),
        "force": chance.random() < 0.1,
    }
