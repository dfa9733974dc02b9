"""Which path prefixes a coordinator takes."""

import pytest
import typer

from dides.cli.options.server import OWN_PATHS, parse_base_path


@pytest.mark.parametrize(
    ("text", "base"),
    [("", ""), ("/", ""), ("/dides", "/dides"), ("/dides/", "/dides"), ("/a/b-2/c.d_~", "/a/b-2/c.d_~")],
)
def test_a_prefix_has_no_slash_at_its_end(text: str, base: str) -> None:
    assert parse_base_path(text) == base


@pytest.mark.parametrize(
    "text", ["dides", "//dides", "/a//b", "/..", "/a/../b", "/.", "/a b", "/a?b", "/a#", "/%61", "/a\n"]
)
def test_what_is_no_plain_path_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is not a path such as"):
        parse_base_path(text)


@pytest.mark.parametrize("own", OWN_PATHS)
def test_a_prefix_does_not_hide_paths_of_the_coordinator(own: str) -> None:
    with pytest.raises(typer.BadParameter, match="begins as paths of the coordinator"):
        parse_base_path(f"/{own}/x")
