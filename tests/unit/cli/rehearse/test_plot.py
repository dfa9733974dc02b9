"""What `dides rehearse --plot` draws, and over what it does not."""

import os
from pathlib import Path

import pytest

from dides.cli.rehearse import plot
from support.fake_coordinator import FakeCoordinator
from support.run_cli import run_cli

Capture = pytest.CaptureFixture[str]
MADE_UP = "--instances 4 --batch-size 2 --duration 10 --runs 3"


def run(arguments: str) -> int:
    return run_cli(FakeCoordinator().transport, "rehearse", *arguments.split())


def test_a_plot_is_drawn_into_a_file(tmp_path: Path, capsys: Capture) -> None:
    pytest.importorskip("matplotlib")
    file = tmp_path / "out.svg"
    assert run(f"{MADE_UP} --duration-spread 1 --failure-rate 20% --plot {file}") == 0
    assert file.read_text(encoding="utf-8").startswith("<?xml")
    assert str(file) in capsys.readouterr().err.replace("\n", "")


def test_a_plot_goes_over_nothing_but_a_file(tmp_path: Path, capsys: Capture) -> None:
    fifo = tmp_path / "fifo.png"
    os.mkfifo(fifo)
    assert run(f"{MADE_UP} --plot {fifo}") == 2
    assert "FIFO" in capsys.readouterr().err
    assert fifo.is_fifo()
    (tmp_path / "lock").touch()
    assert run(f"{MADE_UP} --plot {tmp_path / 'out.png'}") == 2
    assert "coordinator" in capsys.readouterr().err


def test_a_plot_that_cannot_be_written_is_an_error_after_the_report(tmp_path: Path, capsys: Capture) -> None:
    pytest.importorskip("matplotlib")
    nothing_is_made_there = "/dev/fd/out.svg"
    assert run(f"{MADE_UP} --plot {nothing_is_made_there}") == 6
    output = capsys.readouterr()
    assert "Completes in 3 of 3 runs" in output.out
    assert "could not be written" in output.err


def test_without_matplotlib_a_plot_is_refused_with_what_to_install(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plot, "LIBRARY", "no_such_library")
    assert run(f"{MADE_UP} --plot {tmp_path / 'out.png'}") == 2
    assert "pip install '.[plot]'" in capsys.readouterr().err
