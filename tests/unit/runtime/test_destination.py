"""Files that are written where somebody says: whole or not at all, and over nothing that is no file."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from dides.runtime.destination import DestinationError, check_destination, draft_for


def write(file: Path, text: str = "new") -> None:
    with draft_for(file) as draft:
        draft.write_text(text)


def fail_half_way(file: Path) -> None:
    with draft_for(file) as draft:
        draft.write_text("half of it")
        draft.with_name("beside").write_text("a log of it")
        raise ZeroDivisionError


def test_the_draft_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "file"
    for text in ("first", "second"):
        write(file, text)
        assert file.read_text() == text
    assert list(tmp_path.iterdir()) == [file]


def test_when_it_fails_all_stays_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    with pytest.raises(ZeroDivisionError):
        fail_half_way(file)
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("file", "old")]


def test_a_draft_that_nobody_wrote_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DestinationError, match="No such file"), draft_for(tmp_path / "file"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_draft_is_for_its_owner_only(tmp_path: Path) -> None:
    with draft_for(tmp_path / "file") as draft:
        draft.touch()
        assert draft.parent.stat().st_mode & 0o777 == 0o700


def make_fifo(place: Path) -> None:
    os.mkfifo(place)


def make_socket(place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(place))


def make_link(place: Path) -> None:
    place.symlink_to(place.with_name("free"))


@pytest.mark.parametrize(
    ("make", "kind"),
    [(make_fifo, "FIFO"), (make_socket, "socket"), (Path.mkdir, "directory"), (make_link, "symbolic link")],
)
def test_what_is_no_regular_file_is_refused_and_stays(tmp_path: Path, make: Callable[[Path], None], kind: str) -> None:
    place = tmp_path / "place"
    make(place)
    before = place.lstat()
    with pytest.raises(DestinationError, match=f"is a {kind}"):
        write(place)
    assert list(tmp_path.iterdir()) == [place]
    assert os.path.samestat(place.lstat(), before)


def test_a_device_is_refused() -> None:
    with pytest.raises(DestinationError, match="is a device"):
        check_destination(Path(os.devnull))


def test_a_directory_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DestinationError, match=f"no directory {tmp_path}/gone"):
        check_destination(tmp_path / "gone" / "file")
    (tmp_path / "file").touch()
    with pytest.raises(DestinationError, match="file/below"):
        check_destination(tmp_path / "file" / "below")
