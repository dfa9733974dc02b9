"""Output becomes text that any reader can show, and never more of it than fits."""

import os
from pathlib import Path

import pytest

from dides.agent.process.output import MOST_LEFT, Output, clean, shorten, trim_files
from dides.agent.process.supervisor import LIMIT, TAIL


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"plain\n", "plain"),
        (b"two\r\nlines\n", "two\nlines"),
        (b"10 %\r20 %\r", "10 %\n20 %"),
        (b"\x1b[1;31mred\x1b[0m", "red"),
        (b"a\x00b\x07", "a\ufffdb\ufffd"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        ("grün\tblau".encode(), "grün\tblau"),
        (b"", ""),
    ],
)
def test_clean(raw: bytes, text: str) -> None:
    assert clean(raw) == text


@pytest.mark.parametrize(
    ("tail", "text"),
    [("", "head"), ("123456", "head: 123456"), ("1234567", "head: …34567"), ("x" * 99 + "end", "head: …xxend")],
)
def test_shorten(tail: str, text: str) -> None:
    assert shorten("head", tail, 12) == text


def test_every_run_has_a_file_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "log"
    with Output(file) as output, file.open("ab") as daemon:
        daemon.write(b"earlier\n")
        daemon.flush()
        assert output.tail() == "earlier"
        with Output(file) as later:
            daemon.write(b"still here\n")
            daemon.flush()
            assert later.tail() == ""


def test_the_files_of_the_runs_before_are_kept_and_the_oldest_goes(tmp_path: Path) -> None:
    file = tmp_path / "log"
    for text in (b"1", b"2", b"3", b"4"):
        with Output(file, keep=2):
            file.write_bytes(text)
    assert {found.name: found.read_text() for found in tmp_path.iterdir()} == {"log": "4", "log.1": "3", "log.2": "2"}


def test_a_file_that_grows_too_long_is_cut_back_to_its_tail(tmp_path: Path) -> None:
    file = tmp_path / "log"
    with Output(file) as output, file.open("ab") as writer:
        writer.write(b"x" * LIMIT + b"end")
        writer.flush()
        output.trim()
        assert file.stat().st_size == TAIL
        writer.write(b" and on")
        writer.flush()
        assert output.tail().endswith("xend and on")


def test_a_short_file_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(b"short")
    trim_files(file)
    assert file.read_bytes() == b"short"


def test_what_a_daemon_writes_is_cut_back_in_files_of_runs_before_too(tmp_path: Path) -> None:
    for name in ("log", "log.2"):
        (tmp_path / name).write_bytes(b"x" * (LIMIT + 1))
    trim_files(tmp_path / "log")
    assert {found.stat().st_size for found in tmp_path.iterdir()} == {TAIL}


def test_no_file_is_no_trouble(tmp_path: Path) -> None:
    trim_files(tmp_path / "log")


def sizes(path: Path) -> dict[str, int]:
    return {found.name: found.stat().st_size for found in path.iterdir()}


def test_a_file_that_somebody_still_writes_to_stays_and_is_cut_back_however_old_it_is(tmp_path: Path) -> None:
    file = tmp_path / "log"
    with Output(file, keep=1) as output:
        daemon = os.dup(output.descriptor)
    for _ in range(4):
        Output(file, keep=1).__exit__(None, None, None)
    assert set(sizes(tmp_path)) == {"log", "log.1", "log.4"}
    os.write(daemon, b"x" * (LIMIT + 1))
    trim_files(file)
    assert sizes(tmp_path)["log.4"] == TAIL
    os.close(daemon)
    Output(file, keep=1).__exit__(None, None, None)
    assert set(sizes(tmp_path)) == {"log", "log.1"}, "nobody writes to it any more"


def test_daemons_of_every_run_do_not_pile_files_up(tmp_path: Path) -> None:
    file, daemons = tmp_path / "log", []
    for _ in range(MOST_LEFT + 10):
        with Output(file) as output:
            daemons.append(os.dup(output.descriptor))
    for daemon in daemons:
        os.write(daemon, b"x" * (LIMIT + 1))
    trim_files(file)
    found = sizes(tmp_path)
    assert len(found) == MOST_LEFT + 1
    assert set(found.values()) == {TAIL}, "every daemon writes to a file that is cut back"
    for daemon in daemons:
        os.close(daemon)


def test_a_planted_link_is_neither_written_to_nor_cut_back(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"x" * (LIMIT + 1))
    logs = tmp_path / "logs"
    logs.mkdir()
    for name in ("log", "log.1"):
        (logs / name).symlink_to(elsewhere)
    trim_files(logs / "log")
    with Output(logs / "log", keep=4) as output:
        os.write(output.descriptor, b"output")
    assert not (logs / "log").is_symlink()
    assert elsewhere.stat().st_size == LIMIT + 1
