"""A selector means the same in the database and in the model."""

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dides.model.selector import Operator, Requirement, Selector
from dides.store.interface import Store, Transaction
from support.stores import an_instance

KEYS = st.sampled_from(["env", "Env", "role", "example.com/tier", "x"])
VALUES = st.sampled_from(["", "prod", "Prod", "test", "web", "1", "01"])
LABELS = st.dictionaries(KEYS, VALUES, max_size=4)
COMPARED = st.builds(
    Requirement,
    KEYS,
    st.sampled_from([Operator.IN, Operator.NOT_IN]),
    st.lists(VALUES, max_size=3).map(tuple),
)
BARE = st.builds(Requirement, KEYS, st.sampled_from([Operator.EXISTS, Operator.NOT_EXISTS]))
SELECTORS = st.lists(COMPARED | BARE, max_size=4).map(lambda each: Selector(tuple(each)))


class _UndoneError(Exception):
    """Undoes an example."""


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(fleet=st.lists(LABELS, max_size=8), selectors=st.lists(SELECTORS, min_size=1, max_size=5))
async def test_the_store_and_the_model_agree(
    store: Store, fleet: Sequence[dict[str, str]], selectors: Sequence[Selector]
) -> None:
    def compare(tx: Transaction) -> None:
        for number, labels in enumerate(fleet):
            tx.inventory.add(an_instance(f"web-{number}", labels=labels), f"hash {number}".encode())
        for selector in selectors:
            expected = [f"web-{number}" for number, labels in enumerate(fleet) if selector.matches(labels)]
            assert [each.name for each in tx.inventory.page(selector, None, "", 100)] == expected
            assert sorted(each.name for each in tx.inventory.matching(selector)) == expected
            assert tx.inventory.count(selector, None) == len(expected)
        raise _UndoneError

    with pytest.raises(_UndoneError):
        await store.write(compare)
