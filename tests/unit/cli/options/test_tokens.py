from pathlib import Path

import pytest

from dides.cli.options.tokens import find_token, is_on_this_machine


@pytest.mark.parametrize(
    ("server", "here"),
    [
        ("http://127.0.0.1:8420", True),
        ("http://127.0.0.2", True),
        ("http://localhost:1", True),
        ("https://[::1]:8420", True),
        ("http://10.0.0.1:8420", False),
        ("http://localhost.example.org", False),
        ("http://[::1", False),
        ("nonsense", False),
    ],
)
def test_loopback_addresses_are_on_this_machine(server: str, here: bool) -> None:
    assert is_on_this_machine(server) is here


def test_the_token_of_a_coordinator_on_this_machine_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "operator-token"
    file.write_text("secret\n")
    assert find_token("http://127.0.0.1:8420", file) == "secret"


def test_the_token_is_never_sent_to_another_machine(tmp_path: Path) -> None:
    file = tmp_path / "operator-token"
    file.write_text("secret\n")
    assert find_token("http://10.0.0.1:8420", file) is None


def test_a_token_that_cannot_be_read_is_no_token(tmp_path: Path) -> None:
    assert find_token("http://127.0.0.1:8420", tmp_path / "missing") is None
    (tmp_path / "empty").write_text("\n")
    assert find_token("http://127.0.0.1:8420", tmp_path / "empty") is None
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    assert find_token("http://127.0.0.1:8420", tmp_path / "binary") is None
