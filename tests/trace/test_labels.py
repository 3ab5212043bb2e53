"""Selectors against labels, as the API server matches them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.model.objects import LabelRequirement, LabelSelector
from kubectl_refused.trace.labels import carries, selects

labels = st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=4)


@given(labels, labels)
def test_labels_carry_any_part_of_themselves(have: dict[str, str], more: dict[str, str]) -> None:
    assert carries({**more, **have}, have)


def test_no_labels_carry_only_the_empty_selector() -> None:
    assert carries(None, {})
    assert not carries(None, {"app": "web"})


@given(labels)
def test_an_empty_selector_selects_everything(have: dict[str, str]) -> None:
    assert selects(LabelSelector(), have)


@pytest.mark.parametrize(
    ("operator", "values", "have", "selected"),
    [
        ("In", ("web", "api"), {"app": "web"}, True),
        ("In", ("web",), {}, False),
        ("NotIn", ("web",), {"app": "api"}, True),
        ("NotIn", ("web",), {}, True),
        ("NotIn", ("web",), {"app": "web"}, False),
        ("Exists", (), {"app": ""}, True),
        ("Exists", (), {}, False),
        ("DoesNotExist", (), {}, True),
        ("DoesNotExist", (), {"app": "web"}, False),
        ("Gt", ("1",), {"app": "2"}, False),
    ],
)
def test_expressions(operator: str, values: tuple[str, ...], have: dict[str, str], selected: bool) -> None:
    rule = LabelRequirement(key="app", operator=operator, values=values)
    assert selects(LabelSelector(match_expressions=(rule,)), have) is selected


def test_labels_and_expressions_must_both_hold() -> None:
    rule = LabelRequirement(key="tier", operator="Exists")
    selector = LabelSelector(match_labels={"app": "web"}, match_expressions=(rule,))
    assert selects(selector, {"app": "web", "tier": "core"})
    assert not selects(selector, {"app": "web"})
    assert not selects(selector, {"tier": "core"})
