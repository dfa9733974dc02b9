import pytest

from dides.client.loopback import is_loopback


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST", "localhost.", "dides.localhost"),
        *("127.0.0.1", "127.0.0.2", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "0.0.0.0"),
        *("::1", "[::1]", "::1%lo", "::", "::ffff:127.0.0.1"),
    ],
)
def test_this_machine_in_every_spelling(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "10.0.0.1", "10.1", "::ffff:10.0.0.1", "localhost.example.com", "127.0.0.1.example.com", "local host"]
)
def test_any_other_host_is_elsewhere(host: str) -> None:
    assert not is_loopback(host)
