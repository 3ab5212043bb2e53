"""Which name or label was probably meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.model.objects import LabelSelector
from kubectl_refused.trace.nearest import (
    did_you_mean,
    label_difference,
    label_likeness,
    label_slip,
    likeness,
    nearest,
)

words = st.text(st.sampled_from("abc01l-"), max_size=8)


@given(words, words)
def test_likeness_is_a_share_and_one_only_for_the_same(one: str, other: str) -> None:
    value = likeness(one, other)
    assert 0.0 <= value <= 1.0
    assert (value == 1.0) == (one == other)


@pytest.mark.parametrize(
    ("wanted", "offered", "meant"),
    [
        ("web", ["db", "webs"], "webs"),
        ("core", ["c0re", "cure"], "c0re"),
        ("Frontend", ["frontend", "front"], "frontend"),
        ("my_app", ["my-app"], "my-app"),
        ("shpo", ["shop", "ship"], "shop"),
        ("web-v1", ["web-v2", "db-v1"], "web-v2"),
        ("payments", ["cart", "search"], None),
        ("web", [], None),
    ],
)
def test_nearest(wanted: str, offered: list[str], meant: str | None) -> None:
    assert nearest(wanted, offered) == meant


@given(words, st.lists(words, max_size=5))
def test_nearest_is_one_of_those_offered(wanted: str, offered: list[str]) -> None:
    assert nearest(wanted, offered) in (None, *offered)


def test_a_value_under_another_key_counts_less_than_the_pair() -> None:
    selector = {"app": "web"}
    moved = label_likeness(selector, {"app.kubernetes.io/name": "web"})
    assert label_likeness(selector, {"app": "web"}) > moved > label_likeness(selector, {"app": "db"})


def test_no_selector_is_like_nothing() -> None:
    assert label_likeness({}, {"app": "web"}) == 0.0


@pytest.mark.parametrize(
    ("labels", "meant", "told", "written"),
    [
        ({"app": "web", "x": "y"}, {"app": "web"}, "app is web, not wbe", "app=web"),
        ({"app": "WBE"}, {"app": "WBE"}, "app is WBE, not wbe", "app=WBE"),
        ({"name": "wbe"}, {"name": "wbe"}, "app is no label of it, name is wbe", "name=wbe"),
    ],
)
def test_a_slip_in_a_selector(labels: dict[str, str], meant: dict[str, str], told: str, written: str) -> None:
    slip = label_slip(LabelSelector(match_labels={"app": "wbe"}), labels)
    assert slip is not None
    assert (slip.meant, slip.told, slip.written) == (meant, told, written)


@pytest.mark.parametrize("labels", [{"app": "wbe"}, {"app": "db"}, {}, None, {"tier": "web"}])
def test_what_fits_or_is_a_strangers_is_no_slip(labels: dict[str, str] | None) -> None:
    assert label_slip(LabelSelector(match_labels={"app": "wbe"}), labels) is None
    assert label_slip(None, labels) is None
    assert label_slip(LabelSelector(), labels) is None


@pytest.mark.parametrize(
    ("wanted", "told"), [("cart", "did you mean pod/cart-1?"), ("z" * 9999, "look"), ("c\x1b", "look")]
)
def test_what_to_type_instead(wanted: str, told: str) -> None:
    assert did_you_mean(wanted, ["cart-1", "db-0"], "look", "pod/") == told


labels = st.dictionaries(words, words, max_size=4)


@given(labels, labels)
def test_no_difference_means_that_all_is_carried(selector: dict[str, str], have: dict[str, str]) -> None:
    assert (not label_difference(selector, have)) == all(have.get(k) == v for k, v in selector.items())
