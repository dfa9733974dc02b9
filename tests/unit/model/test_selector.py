"""Label selectors in Kubernetes' syntax."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dides.model.errors import InvalidError
from dides.model.selector import MAX_REQUIREMENTS, Operator, Requirement, Selector, check_label, parse_selector

IN, NOT_IN, EXISTS, NOT_EXISTS = Operator.IN, Operator.NOT_IN, Operator.EXISTS, Operator.NOT_EXISTS
A_63, B_63 = "a" * 63, "b" * 63
PREFIX_253 = ".".join(["p" * 63] * 3 + ["p" * 61])


@pytest.mark.parametrize(
    ("text", "requirements"),
    [
        ("", []),
        ("  \t\n ", []),
        ("k=v", [(IN, "v")]),
        ("k==v", [(IN, "v")]),
        ("k!=v", [(NOT_IN, "v")]),
        (" k = v ", [(IN, "v")]),
        ("k\t==\nv", [(IN, "v")]),
        ("k != v", [(NOT_IN, "v")]),
        ("k=", [(IN, "")]),
        ("k= ", [(IN, "")]),
        ("k==", [(IN, "")]),
        ("k!=", [(NOT_IN, "")]),
        ("k", [(EXISTS,)]),
        (" k ", [(EXISTS,)]),
        ("!k", [(NOT_EXISTS,)]),
        ("! k", [(NOT_EXISTS,)]),
        ("k in (a,b)", [(IN, "a", "b")]),
        ("k in(a,b)", [(IN, "a", "b")]),
        ("k  notin\t(  a ,\nb )", [(NOT_IN, "a", "b")]),
        ("k in (a,)", [(IN, "a", "")]),
        ("k notin (a,,b)", [(NOT_IN, "a", "", "b")]),
        ("k in ()", [(IN, "")]),
        ("k in (a),k notin (b,c),k,!k,k=d", [(IN, "a"), (NOT_IN, "b", "c"), (EXISTS,), (NOT_EXISTS,), (IN, "d")]),
        (" k = a , k ", [(IN, "a"), (EXISTS,)]),
    ],
)
def test_kubernetes_syntax_is_understood(text: str, requirements: list[tuple[Operator, *tuple[str, ...]]]) -> None:
    expected = tuple(Requirement("k", operator, tuple(values)) for operator, *values in requirements)
    assert parse_selector(text) == Selector(expected)


@pytest.mark.parametrize(
    "key",
    [
        *("in", "notin", "1234", "A.b_c-d", A_63, f"example.com/{A_63}", "0.1.2.domain/99", f"{PREFIX_253}/k"),
        "this-is-a-dns.domain.com/key-with-dash",
    ],
)
def test_a_key_is_a_name_with_an_optional_dns_prefix(key: str) -> None:
    for text in (key, f"!{key}", f"{key}=v", f"{key} in (v)", f"{key} notin (v)"):
        (requirement,) = parse_selector(text).requirements
        assert requirement.key == key


@pytest.mark.parametrize(
    "key",
    [
        *("-a", "a-", ".a", "a.", "_a", "a" * 64, "é", "a b", "a$", "a:b", "'a'", '"a"', "a\x00"),
        *("/a", "a/", "a/b/c", "UP.com/a", "-p/a", "p-/a", "p..q/a", "p_q/a", f"{PREFIX_253}p/k"),
    ],
)
def test_anything_else_is_no_key(key: str) -> None:
    assert check_label(key, "v") is not None
    for text in (key, f"!{key}", f"{key}=v", f"{key} in (v)"):
        with pytest.raises(InvalidError):
            parse_selector(text)


@pytest.mark.parametrize("value", ["", "v", "1.0", "10.10.100.1", "A_b-c.d", B_63])
def test_a_value_is_a_name_or_empty(value: str) -> None:
    assert check_label("k", value) is None
    assert parse_selector(f"k={value}").requirements == (Requirement("k", IN, (value,)),)
    assert parse_selector(f"k in ({value})").requirements == (Requirement("k", IN, (value,)),)


@pytest.mark.parametrize("value", ["-v", "v-", "b" * 64, "a b", "a/b", "'v'", '"v"', "é", "v\x00", "*", "a:b"])
def test_anything_else_is_no_value(value: str) -> None:
    assert check_label("k", value) is not None
    for text in (f"k={value}", f"k!={value}", f"k in ({value})", f"k notin (a,{value})"):
        with pytest.raises(InvalidError):
            parse_selector(text)


def test_a_label_with_a_line_break_at_its_end_is_refused() -> None:
    assert check_label("k\n", "v") is not None
    assert check_label("k", "v\n") is not None


@pytest.mark.parametrize(
    "text",
    [
        *(",", "k,", ",k", "k,,k", "k=v,", "k in (a),"),
        *("!", "!!k", "!k=v", "=v", "!=v", "=", "k===v", "k=a=b", "k==a==b", "k=!v", "k!v"),
        *("k in", "k in a", "k in (a", "k in a)", "k in ((a))", "k in (a)(b)", "k in (a) b", "in (a)", "kin(a)", "(a)"),
        *("k not in (a)", "k IN (a)", "k in [a]", "k in (a b)", "k in (a),(b)", "k)", "k=v)", "k=(v)"),
        *("k>1", "k<1", "k=a||k=b", "k=a;k=b", "k=a k=b", "k=a&k=b", "k='a'", 'k="a"', "k=a,b c"),
    ],
)
def test_anything_else_is_no_selector_and_the_error_names_the_field(text: str) -> None:
    with pytest.raises(InvalidError) as refused:
        parse_selector(text, field="where")
    (error,) = refused.value.errors
    assert error.field == "where"
    assert error.message
    assert refused.value.status == 422


def test_the_field_is_named_selector_unless_it_is_said_otherwise() -> None:
    with pytest.raises(InvalidError, match=r"^selector: "):
        parse_selector("!")


def test_a_selector_has_so_many_conditions_at_most_and_the_error_says_so() -> None:
    # SQLite refuses a query with a thousand conditions, and all that was to be written with it.
    assert len(parse_selector(",".join(["k"] * MAX_REQUIREMENTS)).requirements) == MAX_REQUIREMENTS
    with pytest.raises(InvalidError, match=f"selector: .*{MAX_REQUIREMENTS}"):
        parse_selector(",".join(["k"] * (MAX_REQUIREMENTS + 1)))


LABELS = {"env": "prod", "role": "web", "empty": ""}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("env=prod", True),
        ("env=test", False),
        ("zone=", False),
        ("empty=", True),
        ("env!=test", True),
        ("env!=prod", False),
        ("zone!=a", True),
        ("env in (test,prod)", True),
        ("env in (test)", False),
        ("zone in (a)", False),
        ("zone in ()", False),
        ("env notin (test)", True),
        ("env notin (test,prod)", False),
        ("zone notin (a)", True),
        ("env", True),
        ("empty", True),
        ("zone", False),
        ("!zone", True),
        ("!env", False),
        ("!empty", False),
        ("env=prod,role=web,!zone", True),
        ("env=prod,role=api", False),
    ],
)
def test_a_missing_label_satisfies_only_notin_and_not_exists(text: str, matches: bool) -> None:
    assert parse_selector(text).matches(LABELS) is matches


def test_beside_a_selector_the_labels_must_hold_too() -> None:
    selector = parse_selector("env").and_labels({"role": "web"})
    assert selector.matches({"env": "prod", "role": "web"})
    assert not selector.matches({"env": "prod", "role": "api"})
    assert not selector.matches({"role": "web"})


def test_no_labels_and_no_selector_mean_the_whole_fleet() -> None:
    assert parse_selector("").and_labels({}).matches({})


@given(st.text(alphabet="kv=!,() \tin", max_size=30))
def test_any_text_is_a_selector_or_an_error_that_names_the_field(text: str) -> None:
    field = "selector"
    try:
        parse_selector(text).matches(LABELS)
    except InvalidError as refused:
        field = refused.errors[0].field
    assert field == "selector"
