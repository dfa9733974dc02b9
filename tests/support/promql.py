"""As much of PromQL as is needed to see which series a query is about. It is not checked that a query is valid."""

import re
from collections.abc import Iterator

import msgspec

TOKEN = re.compile(
    r"""\s+ | (?P<string>"(?:[^"\\]|\\.)*") | (?P<range>\[[^\]]*\]) | (?P<name>[A-Za-z_:$][\w:$]*)
    | (?P<number>[\d.]+) | (?P<sign>=~|!~|!=|==|>=|<=|[-+*/%^=<>(){},])""",
    re.VERBOSE,
)
GROUPING = {"by", "without", "on", "ignoring", "group_left", "group_right"}
OPERATORS = {"and", "or", "unless", "bool", "offset"}
FUNCTIONS = {
    *("sum", "max", "min", "avg", "count", "rate", "increase", "changes", "deriv", "absent", "histogram_quantile"),
}
"""Those that are used: a name that is none of them, and no metric, is a slip of the pen."""


class Matcher(msgspec.Struct, frozen=True):
    """One condition on a label."""

    label: str
    operator: str
    value: str

    @property
    def wanted(self) -> set[str]:
        """The values that it names, but for those that are a dashboard's variables."""
        values = self.value.split("|") if self.operator in ("=~", "!~") else [self.value]
        return {each for each in values if "$" not in each}


class Query(msgspec.Struct):
    """What a query names."""

    metrics: dict[str, list[Matcher]]
    grouped: set[str]
    """The labels by which it groups or joins."""
    functions: set[str]


def tokens(text: str) -> list[tuple[str, str]]:
    """Return the kinds and texts of the tokens; a character that belongs to none is an error."""
    found, at = [], 0
    while at < len(text):
        match = TOKEN.match(text, at)
        assert match, f"{text[at : at + 20]!r} in {text!r}"
        if match.lastgroup:
            found.append((match.lastgroup, match[0]))
        at = match.end()
    return found


def read(text: str) -> Query:
    """Return what a query names."""
    query = Query({}, set(), set())
    given = tokens(text)
    assert [each for _, each in given].count("(") == [each for _, each in given].count(")"), text
    places = iter(range(len(given)))
    for place in places:
        kind, name = given[place]
        following = given[place + 1][1] if place + 1 < len(given) else ""
        if kind != "name" or name in OPERATORS:
            continue
        if name in GROUPING:
            query.grouped.update(each for kind, each in inside(given, places, ")") if kind == "name")
        elif following == "(" or name in FUNCTIONS:
            query.functions.add(name)
        else:
            query.metrics.setdefault(name, []).extend(matchers(inside(given, places, "}")) if following == "{" else [])
    return query


def inside(given: list[tuple[str, str]], places: Iterator[int], end: str) -> list[tuple[str, str]]:
    """Return the tokens up to the next `end`, which are used up."""
    taken: list[tuple[str, str]] = []
    for place in places:
        if given[place][1] == end:
            return taken[1:]
        taken.append(given[place])
    raise AssertionError(f"no {end} in {given}")


def matchers(given: list[tuple[str, str]]) -> list[Matcher]:
    """Return the conditions between braces."""
    words = [(kind, each) for kind, each in given if each != ","]
    assert len(words) % 3 == 0, words
    threes = [words[place : place + 3] for place in range(0, len(words), 3)]
    return [Matcher(label, operator, value.strip('"')) for (_, label), (_, operator), (_, value) in threes]
