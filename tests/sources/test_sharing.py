"""What shares its parts is as it was, and takes less room."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kubectl_refused.model.objects import EndpointSlice, Pod
from kubectl_refused.model.snapshot import key_of
from kubectl_refused.sources.sharing import Sharing, pair
from tests.crowds import crowded, decoded


def shared(objects: list[Any]) -> list[Any]:
    Sharing().take(objects)
    return objects


def test_objects_stay_equal() -> None:
    bodies = crowded(30)
    assert shared(decoded(bodies)) == decoded(bodies)


def test_pods_of_one_maker_share_their_template_and_no_others_do() -> None:
    pods = [one for one in shared(decoded(crowded(2))) if isinstance(one, Pod)]
    mine, its, others = pods[0], pods[1], pods[5]
    assert mine.spec.containers is its.spec.containers
    assert mine.metadata.labels is its.metadata.labels
    assert mine.status is not its.status
    assert mine.spec.containers is not others.spec.containers


def test_what_differs_is_kept() -> None:
    """A pod that was edited, or is of the rollout before, has its own."""
    first, second = [one for one in decoded(crowded(1)) if isinstance(one, Pod)][:2]
    edited = replace(
        second, spec=replace(second.spec, containers=()), metadata=replace(second.metadata, labels={})
    )
    shared([first, edited])
    assert (edited.spec.containers, edited.metadata.labels) == ((), {})
    assert edited.metadata.annotations is first.metadata.annotations


def test_pods_without_a_maker_share_no_template() -> None:
    found = [one for one in decoded(crowded(1)) if isinstance(one, Pod)][:2]
    alone = [replace(one, metadata=replace(one.metadata, owner_references=None)) for one in found]
    shared(alone)
    assert alone[0].spec is not alone[1].spec
    assert alone[0].metadata.labels is not alone[1].metadata.labels


def test_endpoints_share_their_conditions() -> None:
    parts = [one for one in shared(decoded(crowded(2))) if isinstance(one, EndpointSlice)]
    conditions = {id(endpoint.conditions) for part in parts for endpoint in part.endpoints or ()}
    assert len(conditions) == 1


def test_endpoints_share_names_and_addresses_with_their_pods() -> None:
    bodies = crowded(3)
    objects = {key_of(one): one for one in decoded(bodies)}
    pair(objects)
    assert list(objects.values()) == decoded(bodies)
    for part in [one for one in objects.values() if isinstance(one, EndpointSlice)]:
        for endpoint in part.endpoints or ():
            assert endpoint.target_ref
            pod = objects["Pod", part.metadata.namespace, endpoint.target_ref.name]
            assert isinstance(pod, Pod)
            assert pod.status
            assert endpoint.target_ref.name is pod.metadata.name
            assert endpoint.target_ref.uid is pod.metadata.uid
            assert endpoint.addresses
            assert endpoint.addresses[0] is pod.status.pod_ip


def test_endpoints_without_their_pod_are_left_alone() -> None:
    objects = {key_of(one): one for one in decoded(crowded(3)) if isinstance(one, EndpointSlice)}
    pair(objects)
    assert list(objects.values()) == [one for one in decoded(crowded(3)) if isinstance(one, EndpointSlice)]


def test_nothing_is_made_of_what_is_bare() -> None:
    bare = [Pod(metadata=replace(decoded(crowded(1))[0].metadata, owner_references=None))]
    assert shared([*bare]) == bare
