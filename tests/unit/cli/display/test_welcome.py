from pathlib import Path

from dides.cli.display.welcome import welcome

DATA = Path("/var/lib/dides")


def test_three_lines_say_where_it_is_and_what_to_do_next() -> None:
    dashboard, tokens, command = welcome("http://127.0.0.1:8421", DATA, dev=False)
    assert dashboard == "Dashboard:  http://127.0.0.1:8421/"
    assert tokens == f"Tokens:     operator-token (signs in, deploys) and registration-token (for agents) in {DATA}"
    variable = f'DIDES_REGISTRATION_TOKEN="$(cat {DATA}/registration-token)"'
    assert command == f"Next:       {variable} dides agent --server http://127.0.0.1:8421"


def test_in_development_no_token_is_named() -> None:
    dashboard, tokens, command = welcome("http://127.0.0.1:8420", DATA, dev=True)
    assert dashboard == "Dashboard:  http://127.0.0.1:8420/"
    assert tokens == "Tokens:     none is asked for (--dev)"
    assert command == "Next:       DIDES_REGISTRATION_TOKEN=any dides agent"


def test_an_address_that_means_all_is_shown_as_one_that_can_be_opened() -> None:
    assert welcome("http://0.0.0.0:80", DATA, dev=False)[0] == "Dashboard:  http://127.0.0.1:80/"
    assert welcome("http://[::]:80", DATA, dev=False)[0] == "Dashboard:  http://[::1]:80/"


def test_a_path_with_spaces_can_be_typed() -> None:
    assert "$(cat '/my data/registration-token')" in welcome("http://127.0.0.1:1", Path("/my data"), dev=False)[2]
