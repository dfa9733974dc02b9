from pathlib import Path

import pytest

from dides.runtime.config import default_data_dir, home_directory


def test_a_home_that_is_empty_or_relative_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for home in ("", "somewhere"):
        monkeypatch.setenv("HOME", home)
        assert home_directory() is None
    monkeypatch.setenv("HOME", "/home/somebody")
    assert home_directory() == Path("/home/somebody")


def test_a_named_data_directory_needs_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "")
    monkeypatch.setenv("DIDES_DATA_DIR", "/data")
    assert default_data_dir() == Path("/data")
