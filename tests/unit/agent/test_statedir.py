"""The memory on disk: whole or not at all, for one agent only."""

import os
import stat
from pathlib import Path

import pytest

from dides.agent.errors import StateDirectoryError
from dides.agent.persisted import Attempt, Memory, Standing
from dides.agent.statedir import FILE, StateDirectory
from dides.model.state import State

MEMORY = Memory(
    name="web-1",
    credential="secret",
    standing=Standing(generation=7, attempt=Attempt(target=State("2.0"), run="12")),
)


class PowerCut(BaseException):
    """The machine stops here."""


def cut_power(_source: Path, _target: Path) -> None:
    raise PowerCut


def test_a_new_directory_remembers_nothing(tmp_path: Path) -> None:
    with StateDirectory(tmp_path / "a" / "b") as directory:
        assert directory.load() is None


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    with StateDirectory(tmp_path) as directory:
        directory.save(MEMORY)
    with StateDirectory(tmp_path) as directory:
        assert directory.load() == MEMORY


def test_only_the_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "state"
    with StateDirectory(path) as directory:
        directory.save(MEMORY)
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE((path / FILE).stat().st_mode) == 0o600


def test_a_crash_between_write_and_rename_leaves_the_old(tmp_path: Path) -> None:
    with StateDirectory(tmp_path) as directory:
        directory.save(MEMORY)
    with StateDirectory(tmp_path, rename=cut_power) as directory, pytest.raises(PowerCut):
        directory.save(Memory(name="web-1", credential="newer"))
    with StateDirectory(tmp_path) as directory:
        assert directory.load() == MEMORY
        directory.save(Memory(name="web-1"))
        assert directory.load() == Memory(name="web-1")


def test_a_failed_write_leaves_the_old_and_says_why(tmp_path: Path) -> None:
    def no_space(_source: Path, _target: Path) -> None:
        raise OSError(28, os.strerror(28))

    with StateDirectory(tmp_path) as directory:
        directory.save(MEMORY)
    with StateDirectory(tmp_path, rename=no_space) as directory:
        with pytest.raises(StateDirectoryError, match="No space left"):
            directory.save(Memory(name="web-1"))
        assert directory.load() == MEMORY


def test_two_agents_cannot_share_it(tmp_path: Path) -> None:
    with StateDirectory(tmp_path), pytest.raises(StateDirectoryError, match=r"Another agent uses .* --state-dir"):
        StateDirectory(tmp_path)


def test_it_is_free_again_after_closing(tmp_path: Path) -> None:
    StateDirectory(tmp_path).close()
    StateDirectory(tmp_path).close()


@pytest.mark.parametrize("content", [b"", b'{"name": "web', b'{"name": 3}', b"\xff\xfe", b"[]"])
def test_a_damaged_file_says_what_to_do(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with StateDirectory(tmp_path) as directory, pytest.raises(StateDirectoryError, match=r"damaged .* Move it away"):
        directory.load()


def test_an_unreadable_file_says_why(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    with (
        StateDirectory(tmp_path) as directory,
        pytest.raises(StateDirectoryError, match=r"Cannot read .*no regular file"),
    ):
        directory.load()


def test_a_path_that_is_no_directory_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateDirectoryError, match="--state-dir"):
        StateDirectory(tmp_path / "file")


def test_a_planted_link_does_not_get_the_credential(tmp_path: Path) -> None:
    planted = tmp_path / "planted"
    planted.write_bytes(b"nothing")
    with StateDirectory(tmp_path / "state") as directory:
        for name in (FILE, f".{FILE}.new"):
            (tmp_path / "state" / name).symlink_to(planted)
        with pytest.raises(StateDirectoryError, match=r"Cannot read .*symbolic link"):
            directory.load()
        directory.save(MEMORY)
        assert directory.load() == MEMORY
    assert planted.read_bytes() == b"nothing"


def test_a_directory_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(StateDirectoryError, match=r"other users may write to it .*--state-dir"):
        StateDirectory(tmp_path)
