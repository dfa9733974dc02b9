"""What somebody else could have planted, or could change, is not opened; what is made is made for its owner only."""

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dides.runtime.private_files import (
    UnsafePathError,
    check_place,
    draft_of,
    make_file,
    open_directory,
    open_file,
    read_file,
    replace_file,
)

STRANGER = 54321


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A file of this user that nothing may be written to."""
    file = tmp_path / "elsewhere"
    file.write_bytes(b"precious")
    file.chmod(0o600)
    return file


@pytest.fixture
def shared() -> Iterator[Path]:
    """A directory that every user may look into."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def root() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")


def test_a_link_is_not_followed(tmp_path: Path, elsewhere: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(elsewhere)
    for flags in (os.O_RDONLY, os.O_RDWR | os.O_CREAT, os.O_WRONLY | os.O_TRUNC):
        with pytest.raises(UnsafePathError, match="a symbolic link"):
            open_file(link, flags)
    with pytest.raises(UnsafePathError, match="a symbolic link"):
        check_place(link)
    with pytest.raises(FileExistsError):
        make_file(link)
    assert elsewhere.read_bytes() == b"precious"


def test_replacing_a_link_replaces_the_link_and_not_what_it_leads_to(tmp_path: Path, elsewhere: Path) -> None:
    file = tmp_path / "file"
    for link in (file, draft_of(file)):
        link.symlink_to(elsewhere)
    replace_file(file, b"new")
    assert (read_file(file), elsewhere.read_bytes()) == (b"new", b"precious")
    assert not draft_of(file).exists()


def test_a_link_to_nowhere_makes_nothing_there(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UnsafePathError):
        open_file(tmp_path / "link", os.O_RDWR | os.O_CREAT)
    assert not (tmp_path / "nowhere").exists()


def test_what_is_no_regular_file_is_refused_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo", 0o600)
    for read in (read_file, check_place):
        with pytest.raises(UnsafePathError, match="no regular file"):
            read(tmp_path / "fifo")


def test_what_is_made_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        os.close(open_directory(tmp_path / "a" / "b"))
        os.close(make_file(tmp_path / "made"))
        replace_file(tmp_path / "replaced", b"")
    finally:
        os.umask(before)
    assert mode(tmp_path / "a" / "b") == 0o700
    assert mode(tmp_path / "made") == mode(tmp_path / "replaced") == 0o600


@pytest.mark.parametrize("wrong", [0o666, 0o602, 0o644])
def test_a_file_that_others_may_read_or_change_is_refused(shared: Path, wrong: int) -> None:
    file = shared / "file"
    file.touch()
    file.chmod(0o640)
    assert read_file(file) == b"", "the owner has let a group read it"
    file.chmod(wrong)
    with pytest.raises(UnsafePathError, match="chmod 600"):
        read_file(file)


@pytest.mark.usefixtures("root")
def test_a_group_may_write_only_if_it_is_the_owners_own(shared: Path) -> None:
    for path in (shared / "file", shared / "directory"):
        path.touch() if path.name == "file" else path.mkdir()
        path.chmod(0o770)
    os.close(open_directory(shared / "directory"))
    assert read_file(shared / "file") == b""
    for path in (shared / "file", shared / "directory"):
        os.chown(path, -1, STRANGER)
    with pytest.raises(UnsafePathError, match="chmod 600"):
        read_file(shared / "file")
    with pytest.raises(UnsafePathError, match="chmod go-w"):
        open_directory(shared / "directory")


def test_in_a_directory_that_lets_nobody_in_the_mode_of_a_file_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "file").chmod(0o666)
    assert read_file(tmp_path / "file") == b""


@pytest.mark.parametrize("wrong", [0o777, 0o1777, 0o702])
def test_a_directory_that_others_may_write_to_is_refused(tmp_path: Path, wrong: int) -> None:
    directory = tmp_path / "directory"
    directory.mkdir()
    directory.chmod(wrong)
    with pytest.raises(UnsafePathError, match="chmod go-w"):
        open_directory(directory)


def test_a_directory_of_its_own_behind_a_link_is_used(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    os.close(open_directory(tmp_path / "link"))


@pytest.mark.usefixtures("root")
def test_what_another_user_owns_is_refused(shared: Path) -> None:
    (shared / "directory").mkdir()
    (shared / "file").touch(mode=0o600)
    for path in (shared / "directory", shared / "file"):
        os.chown(path, STRANGER, STRANGER)
    with pytest.raises(UnsafePathError, match=f"another user .uid {STRANGER}"):
        read_file(shared / "file")
    os.seteuid(STRANGER + 1)
    try:
        with pytest.raises(UnsafePathError, match=f"another user .uid {STRANGER}"):
            open_directory(shared / "directory")
    finally:
        os.seteuid(0)


@pytest.mark.usefixtures("root")
def test_root_reads_what_belongs_to_the_owner_of_the_directory(shared: Path) -> None:
    os.chown(shared, STRANGER, STRANGER)
    (shared / "token").write_bytes(b"secret")
    (shared / "token").chmod(0o600)
    os.chown(shared / "token", STRANGER, STRANGER)
    assert read_file(shared / "token") == b"secret"
