"""The way back leads back, touches nothing else, and is refused where it comes too late."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.fixes.requests import JSON, MERGE, STRATEGIC, request
from kubectl_refused.fixes.undoing import spoken, undo_command, way_back
from kubectl_refused.model.evidence import PatchRequest

from .json_patches import Refused, patched

scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab/~", max_size=2), inner, max_size=3),
    max_leaves=12,
)
objects = st.dictionaries(st.sampled_from(("spec", "data", "a/b~c")), values, max_size=3)


@given(objects, objects)
def test_the_way_back_leads_back(before: dict[str, Any], after: dict[str, Any]) -> None:
    operations = way_back(before, after)
    assert patched(spoken(after), operations) == spoken(before)
    assert json.loads(json.dumps(operations)) == operations


@given(objects)
def test_what_did_not_change_has_no_way_back(document: dict[str, Any]) -> None:
    assert way_back(document, document) == []


def service(target: Any, **selector: str) -> dict[str, Any]:
    ports = [{"port": 80, "targetPort": target}, {"port": 81, "targetPort": 81}]
    return {"spec": {"ports": ports, "selector": {"app": "web", **selector}}}


def test_only_what_changed_is_named_and_tested_first() -> None:
    assert way_back(service(9999), service(8080)) == [
        {"op": "test", "path": "/spec/ports/0/targetPort", "value": 8080},
        {"op": "replace", "path": "/spec/ports/0/targetPort", "value": 9999},
    ]
    with pytest.raises(Refused):
        patched(service(7777), way_back(service(9999), service(8080)))


def test_a_key_that_the_change_took_away_comes_back() -> None:
    assert way_back(service(1, tier="x"), service(1)) == [
        {"op": "add", "path": "/spec/selector/tier", "value": "x"}
    ]


def test_an_item_that_the_change_put_in_goes_alone() -> None:
    before, after = {"spec": {"ingress": ["a", "c"]}}, {"spec": {"ingress": ["a", "b", "c"]}}
    assert way_back(before, after) == [
        {"op": "test", "path": "/spec/ingress/1", "value": "b"},
        {"op": "remove", "path": "/spec/ingress/1"},
    ]


def test_what_the_server_writes_is_no_change() -> None:
    metadata = {"name": "web", "resourceVersion": "1", "generation": 1, "managedFields": [1]}
    before = {"metadata": metadata, "status": {"replicas": 1}}
    after = {"metadata": {**metadata, "resourceVersion": "2", "generation": 2}, "status": {}}
    assert way_back(before, after) == []


def made(kind: str, body: Any, **more: str) -> PatchRequest:
    """A request of ours."""
    found = request(kind, "shop", "web", body, **more)
    assert found is not None
    return found


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_the_command_survives_the_shell(word: str) -> None:
    back = way_back({"spec": {"selector": {"app": word}}}, {"spec": {"selector": {"app": "x"}}})
    words = shlex.split(undo_command("kubectl --context dev", made("Service", {}), back))
    assert words[:6] == ["kubectl", "--context", "dev", "patch", "svc/web", "--type"]
    assert json.loads(words[words.index("-p") + 1]) == back
    assert words[-2:] == ["-n", "shop"]


@pytest.mark.parametrize("before", [{"spec": {}}, {"spec": {"replicas": 0}}])
def test_a_scale_is_undone_by_scale(before: dict[str, Any]) -> None:
    back = way_back(before, {"spec": {"replicas": 1}})
    command = undo_command("kubectl", made("Deployment", {}, subresource="scale"), back)
    assert command == "kubectl scale deployment/web --replicas=0 -n shop"


def test_paths_and_types() -> None:
    told = made("Service", {"spec": {}})
    assert (told.path, told.type) == ("/api/v1/namespaces/shop/services/web", STRATEGIC)
    assert made("NetworkPolicy", [{"op": "add"}]).type == JSON
    scale = made("Deployment", {}, subresource="scale")
    assert (scale.path, scale.type) == ("/apis/apps/v1/namespaces/shop/deployments/web/scale", MERGE)


def test_a_name_reaches_no_other_path() -> None:
    odd = request("Service", "shop", "../pods/x?y", {})
    assert odd is not None
    assert odd.path == "/api/v1/namespaces/shop/services/..%2Fpods%2Fx%3Fy"


def test_what_cannot_be_sent() -> None:
    assert request("Rollout", "shop", "web", {}) is None
    assert request("Service", "", "web", {}) is None
