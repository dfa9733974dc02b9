import pytest

from dides.model.policy import Policy
from dides.rehearsal.durations import Normal
from dides.rehearsal.fleet import Group
from dides.rehearsal.pool import rehearse
from dides.rehearsal.rehearse import Rehearsal, rehearse_once
from dides.rehearsal.run import Chances

REHEARSAL = Rehearsal(
    fleet=(Group(3),),
    policy=Policy(),
    chances=Chances(durations=Normal(mean_ms=10_000, spread_ms=3_000), failure_rate=0.2),
    seed=7,
)


@pytest.mark.parametrize(("runs", "processes"), [(1, 1), (1, 4), (3, 2), (25, 4)])
def test_every_run_is_played_once_and_in_its_order(runs: int, processes: int) -> None:
    assert rehearse(REHEARSAL, runs, processes) == [rehearse_once(REHEARSAL, number) for number in range(runs)]


def test_progress_adds_up_to_the_runs() -> None:
    done: list[int] = []
    rehearse(REHEARSAL, 25, processes=4, done=done.append)
    assert sum(done) == 25
    assert len(done) > 1
