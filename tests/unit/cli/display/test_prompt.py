import io

import pytest
import typer

from dides.cli.display.prompt import can_ask, confirm

Capture = pytest.CaptureFixture[str]


def type_in(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


@pytest.mark.parametrize("text", ["y\n", "Y\n", "yes\n", " YES \n", "y"])
def test_yes_goes_on(monkeypatch: pytest.MonkeyPatch, capsys: Capture, text: str) -> None:
    type_in(monkeypatch, text)
    confirm("Go ahead?")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "Go ahead? [y/N]: ")


@pytest.mark.parametrize("text", ["n\n", "\n", "no\n", "perhaps\n", "yess\n", " \n", ""])
def test_anything_else_is_no(monkeypatch: pytest.MonkeyPatch, capsys: Capture, text: str) -> None:
    type_in(monkeypatch, text)
    with pytest.raises(typer.Exit) as left:
        confirm("Go ahead?")
    assert left.value.exit_code == 130
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith("Nothing was done.\n")


class Interrupted:
    """Somebody types Ctrl-C."""

    def readline(self) -> str:
        raise KeyboardInterrupt


def test_an_interruption_says_that_nothing_was_done(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setattr("sys.stdin", Interrupted())
    with pytest.raises(typer.Exit) as left:
        confirm("Go ahead?")
    assert left.value.exit_code == 130
    assert capsys.readouterr().err.endswith("\nNothing was done.\n")


def test_nobody_is_asked_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    type_in(monkeypatch, "y\n")
    assert not can_ask()
