"""A rehearsal that is large enough to be shared between processes."""

import pytest

from dides.model.policy import Policy
from dides.rehearsal import pool
from dides.rehearsal.durations import Normal
from dides.rehearsal.fleet import Condition, Group
from dides.rehearsal.pool import rehearse
from dides.rehearsal.rehearse import Rehearsal
from dides.rehearsal.run import Chances


def test_processes_change_nothing_but_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    rehearsal = Rehearsal(
        fleet=(Group(20, spread="a"), Group(10, spread="b"), Group(3, Condition.UNREACHABLE, "b")),
        policy=Policy(batch_size="10%", failure_threshold=3, spread_by="zone", waves=(1,), retries=1),
        chances=Chances(durations=Normal(mean_ms=10_000, spread_ms=3_000), failure_rate=0.1, lost_rate=0.05),
        seed=7,
    )
    alone = rehearse(rehearsal, 12, processes=1)
    monkeypatch.setattr(pool, "UPDATES_WORTH_A_PROCESS", 0)
    done: list[int] = []
    assert rehearse(rehearsal, 12, processes=2, done=done.append) == alone
    assert done == [6, 6]
