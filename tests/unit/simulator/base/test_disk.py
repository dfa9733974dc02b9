"""The disk of a world: what a power cut leaves is whole transactions."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dides.model.errors import NotFoundError
from dides.store.interface import Transaction
from simulator.base.clock import VirtualClock
from simulator.base.disk import Commit, Disk, Fuse, PowerCutError
from simulator.base.loop import VirtualLoop
from simulator.base.scenario import Moment


class Watched:
    """A disk, and what it has to say."""

    def __init__(self, directory: Path) -> None:
        loop = VirtualLoop()
        self.disk = Disk(directory, VirtualClock(loop))
        loop.close()
        self.problems: list[tuple[str, str]] = []
        self.killed: list[str] = []
        self.commits: list[Commit] = []
        self.disk.problem = lambda guarantee, detail: self.problems.append((guarantee.name, detail))
        self.disk.killed = self.killed.append
        self.disk.observe = self.commits.append

    def noted(self) -> list[int | None]:
        return self.disk.read("look", lambda tx: [tx.keys.noted(name) for name in ("a", "b")])


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    its = Watched(tmp_path)
    yield its
    its.disk.close()


def _note_two(tx: Transaction) -> None:
    tx.keys.write_down("a", 1)
    tx.keys.write_down("b", 2)


def _note_other(tx: Transaction) -> None:
    tx.keys.write_down("a", 7)
    tx.keys.write_down("b", 8)


@pytest.mark.parametrize(
    ("moment", "statements", "after"),
    [
        (Moment.STATEMENT, 1, [1, 2]),
        (Moment.STATEMENT, 2, [1, 2]),
        (Moment.COMMIT, 1, [1, 2]),
        (Moment.ANSWER, 1, [7, 8]),
    ],
)
def test_a_power_cut_leaves_whole_transactions(
    watched: Watched, moment: Moment, statements: int, after: list[int]
) -> None:
    watched.disk.write("alpha.1", "before", _note_two)
    watched.disk.fuse = Fuse("alpha", statements, moment)
    with pytest.raises(PowerCutError):
        watched.disk.write("alpha.1", "cut", _note_other)
    assert watched.noted() == after
    assert watched.killed == ["alpha.1"]
    assert not watched.problems
    assert [each.unit for each in watched.commits] == (["before", "cut"] if moment is Moment.ANSWER else ["before"])


def test_a_fuse_burns_on_in_the_next_unit_of_its_own_process(watched: Watched) -> None:
    watched.disk.fuse = Fuse("alpha", 6, Moment.STATEMENT)
    watched.disk.write("beta.1", "other", _note_two)
    watched.disk.write("alpha.1", "first", _note_two)
    with pytest.raises(PowerCutError):
        watched.disk.write("alpha.1", "second", _note_other)
    assert watched.noted() == [1, 2]


def test_the_disk_goes_on_after_a_power_cut(watched: Watched) -> None:
    for _ in range(3):
        watched.disk.fuse = Fuse("alpha", 2, Moment.COMMIT, part=0.9)
        with pytest.raises(PowerCutError):
            watched.disk.write("alpha.1", "cut", _note_other)
        watched.disk.write("alpha.2", "after", _note_two)
    assert watched.noted() == [1, 2]
    assert not watched.problems


def test_a_recovery_that_lost_something_is_a_problem(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    watched.disk.write("alpha.1", "before", _note_two)
    monkeypatch.setattr(watched.disk, "_copy", _copy_without_log(watched.disk))
    watched.disk.fuse = Fuse("alpha", 1, Moment.STATEMENT)
    with pytest.raises(PowerCutError):
        watched.disk.write("alpha.1", "cut", _note_other)
    name, detail = watched.problems[0]
    assert name == "crashes_lose_nothing"
    assert "notes is not what it was" in detail


def test_a_refusal_undoes_the_unit_and_is_no_problem(watched: Watched) -> None:
    def refuse(tx: Transaction) -> None:
        _note_two(tx)
        raise NotFoundError("there is none")

    with pytest.raises(NotFoundError):
        watched.disk.write("alpha.1", "refused", refuse)
    assert watched.noted() == [None, None]
    assert not watched.problems


def test_any_other_error_of_a_unit_is_a_problem(watched: Watched) -> None:
    def stumble(_: Transaction) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        watched.disk.write("alpha.1", "stumble", stumble)
    assert watched.problems == [("nothing_breaks", "stumble raised ZeroDivisionError: ")]


def test_a_reading_unit_that_writes_is_a_problem(watched: Watched) -> None:
    watched.disk.read("look", _note_two)
    assert watched.problems == [("reads_write_nothing", "look only reads, but wrote to notes")]
    assert watched.noted() == [None, None]


def _copy_without_log(disk: Disk) -> object:
    right = disk._copy

    def copy() -> Path:
        made = right()
        made.with_name(made.name + "-wal").unlink()
        return made

    return copy
