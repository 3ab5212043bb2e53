"""Pages of pods, of which alike parts are decoded once: they give what each pod by itself would."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields, replace

from kubectl_refused.model.objects import Metadata, Pod, PodSpec, PodStatus
from kubectl_refused.sources import pod_pages
from kubectl_refused.sources.decoding import decode
from kubectl_refused.sources.pod_pages import PodPages
from tests.crowds import crowded

BODIES = [body for body in crowded(4) if body["kind"] == "Pod"]
Json = dict[str, Any]
# What servers send in places where we look, and what only somebody with bad intentions would.
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 70_000) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
_FIELDS = [
    (part, one.encode_name)
    for part, type_ in (("metadata", Metadata), ("spec", PodSpec), ("status", PodStatus))
    for one in fields(type_)
    if one.name != pod_pages.UNREAD
]


def page(bodies: list[Json]) -> bytes:
    return msgspec.json.encode({"metadata": {"continue": "c"}, "items": bodies})


def alone(body: Json) -> Pod:
    found = decode(msgspec.json.encode(body), Pod)
    return replace(found, metadata=replace(found.metadata, managed_fields=None))


def test_a_page_is_its_pods() -> None:
    found = PodPages().page(page(BODIES))
    assert found
    assert found.items == [alone(body) for body in BODIES]
    assert found.metadata.continue_ == "c"


@given(st.sampled_from(_FIELDS), anything, st.booleans())
def test_whatever_stands_in_a_field_is_read_as_by_itself(where: tuple[str, str], value: Any, left: bool) -> None:
    part, name = where
    body = {**BODIES[0], part: {**BODIES[0][part], name: value}}
    if left:
        del body[part][name]
    found = PodPages().page(page([body, BODIES[1]]))
    if found is not None:  # what is odd is read object by object
        assert found.items == [alone(body), alone(BODIES[1])]


@pytest.mark.parametrize("part", ["spec", "status"])
def test_a_pod_may_lack_a_part(part: str) -> None:
    body = {name: value for name, value in BODIES[0].items() if name != part}
    found = PodPages().page(page([body]))
    assert found
    assert found.items == [alone(body)]


def test_a_pod_that_is_none_is_left_to_be_read_by_itself() -> None:
    for odd in ({"spec": {"containers": [{"ports": "http"}]}}, {"status": {"conditions": [{"status": "True"}]}}):
        assert PodPages().page(page([{**BODIES[0], **odd}])) is None
    assert PodPages().page(b'{"items": [') is None
    assert PodPages().page(page([{**BODIES[0], "spec": {"nodeName": "caf\u00e9"}}])) is None


def test_pods_of_one_maker_share_their_parts_and_no_others_do() -> None:
    found = PodPages().page(page(BODIES))
    assert found
    mine, its, others = (found.items or [])[0], (found.items or [])[1], (found.items or [])[5]
    assert mine.spec.containers is its.spec.containers
    assert mine.metadata.labels is its.metadata.labels
    assert mine.spec.containers != others.spec.containers
    assert mine.status is not its.status


def test_what_is_kept_to_be_found_again_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pod_pages, "MOST_CONDITIONS", 2)
    found = PodPages().page(page(BODIES))
    assert found
    assert found.items == [alone(body) for body in BODIES]
