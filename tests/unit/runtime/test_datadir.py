"""A coordinator's data directory: one process at a time, and private."""

import os
import stat
from pathlib import Path

import pytest

from dides.runtime.datadir import OPERATOR_FILE, REGISTRATION_FILE, DataDirectory, DataDirectoryError, held_database


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_made_with_its_parents_for_its_owner_only(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path / "a" / "b")
    with directory.locked():
        assert mode(directory.path) == 0o700
    with directory.locked():
        assert mode(directory.path / "lock") == 0o600


def test_only_one_holds_it(tmp_path: Path) -> None:
    first, second = DataDirectory(tmp_path), DataDirectory(tmp_path)
    with (
        first.locked(),
        pytest.raises(DataDirectoryError, match=r"Another dides works on .* choose another one"),
        second.locked(),
    ):
        pass
    with second.locked():
        pass


def test_it_is_free_again_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), DataDirectory(tmp_path).locked():
        raise ZeroDivisionError
    with DataDirectory(tmp_path).locked():
        pass


def test_what_a_coordinator_needs_for_something_else_is_no_place_for_a_database(tmp_path: Path) -> None:
    (tmp_path / "dides.db").touch()
    for name in ("operator-token", "registration-token", "lock", "dides.db-wal", "dides.db-journal", "dides.db.lock"):
        with pytest.raises(DataDirectoryError, match="no place for a database"), held_database(tmp_path / name):
            pass
    with held_database(tmp_path / "dides.db"), held_database(tmp_path / "other.db-wal"):
        pass


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for path in (file, file / "below"):
        with (
            pytest.raises(DataDirectoryError, match="cannot be used as a data directory"),
            DataDirectory(path).locked(),
        ):
            pass


def test_tokens_are_made_at_random_once_and_kept_private(tmp_path: Path) -> None:
    directory, other = DataDirectory(tmp_path / "one"), DataDirectory(tmp_path / "other")
    tokens = []
    for each in (directory, other):
        with each.locked():
            tokens += [each.token(OPERATOR_FILE), each.token(REGISTRATION_FILE)]
    assert len(set(tokens)) == 4
    assert all(len(token) >= 43 for token in tokens), "256 bits"
    assert directory.token(OPERATOR_FILE) == tokens[0]
    assert mode(directory.path / OPERATOR_FILE) == mode(directory.path / REGISTRATION_FILE) == 0o600


def test_they_are_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with DataDirectory(tmp_path / "new").locked():
            DataDirectory(tmp_path / "new").token(OPERATOR_FILE)
    finally:
        os.umask(before)
    assert mode(tmp_path / "new") == 0o700
    assert mode(tmp_path / "new" / OPERATOR_FILE) == 0o600


def test_a_token_that_an_operator_has_written_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / OPERATOR_FILE).write_text("  chosen-by-hand\n")
    assert DataDirectory(tmp_path).token(OPERATOR_FILE) == "chosen-by-hand"


@pytest.mark.parametrize("content", [b"", b"\n", b" \n"])
def test_an_empty_token_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / OPERATOR_FILE).write_bytes(content)
    with pytest.raises(DataDirectoryError, match="is empty"):
        DataDirectory(tmp_path).token(OPERATOR_FILE)


def test_a_token_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / OPERATOR_FILE).write_bytes(b"\xff")
    (tmp_path / REGISTRATION_FILE).mkdir()
    for name in (OPERATOR_FILE, REGISTRATION_FILE):
        with pytest.raises(DataDirectoryError, match="cannot be read"):
            DataDirectory(tmp_path).token(name)


def test_a_draft_that_was_left_behind_does_not_matter(tmp_path: Path) -> None:
    draft = tmp_path / f".{OPERATOR_FILE}.new"
    draft.write_text("half")
    token = DataDirectory(tmp_path).token(OPERATOR_FILE)
    assert len(token) >= 43
    assert DataDirectory(tmp_path).token(OPERATOR_FILE) == token
    assert not draft.exists()


def test_a_database_is_held_wherever_it_is(tmp_path: Path) -> None:
    database = tmp_path / "elsewhere.db"
    with held_database(database), pytest.raises(DataDirectoryError, match=r"elsewhere\.db"), held_database(database):
        pytest.fail("two coordinators on one database")
    with held_database(database):
        assert not database.exists()


def test_a_planted_link_is_neither_read_nor_written_to(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("a secret of this user")
    directory = DataDirectory(tmp_path / "data")
    with directory.locked():
        (directory.path / OPERATOR_FILE).symlink_to(elsewhere)
        (directory.path / f".{REGISTRATION_FILE}.new").symlink_to(elsewhere)
        with pytest.raises(DataDirectoryError, match="symbolic link"):
            directory.token(OPERATOR_FILE)
        assert len(directory.token(REGISTRATION_FILE)) >= 43
    (directory.path / "lock").unlink()
    (directory.path / "lock").symlink_to(tmp_path / "made-elsewhere")
    with pytest.raises(DataDirectoryError, match="symbolic link"), directory.locked():
        pytest.fail("a lock somewhere else")
    assert not (tmp_path / "made-elsewhere").exists()
    assert elsewhere.read_text() == "a secret of this user"


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal", ".lock"])
def test_a_database_behind_a_link_is_refused(tmp_path: Path, suffix: str) -> None:
    database = tmp_path / "dides.db"
    (tmp_path / f"dides.db{suffix}").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataDirectoryError, match="symbolic link"), held_database(database):
        pytest.fail("a database somewhere else")


def test_a_directory_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(DataDirectoryError, match="other users may write to it"), DataDirectory(tmp_path).locked():
        pytest.fail("others could replace what is in it")
