"""Which images are tried for a probe pod, in which order, and what is read to know it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kubectl_refused.model.objects import Pod
from kubectl_refused.model.snapshot import Snapshot, key_of
from kubectl_refused.probes.clients import Client
from kubectl_refused.probes.image_candidates import MOST_NODES_READ, candidates
from kubectl_refused.probes.image_order import MOST_CANDIDATES, OwnImage, in_order, plain, why_none_ran
from kubectl_refused.probes.images import DEFAULT, Choice, ImageNode, form_of
from tests.fakes import FakeConnection, forbidden, probe_context

NODES = "/api/v1/nodes"
ANYWHERE = Client(namespace="shop")


def raw_node(name: str, *images: str, **spec: Any) -> dict[str, Any]:
    """A ready Linux node with images on it, as the API gives it."""
    labels = {"kubernetes.io/hostname": f"host-{name}", "kubernetes.io/os": "linux"} | spec.pop("labels", {})
    status = {
        "conditions": [{"type": "Ready", "status": spec.pop("ready", "True")}],
        "images": [{"names": [image]} for image in images],
    }
    return {"metadata": {"name": name, "labels": labels}, "spec": spec, "status": status}


def node(name: str, *images: str, **spec: Any) -> ImageNode:
    return msgspec.convert(raw_node(name, *images, **spec), ImageNode)


def pod(name: str, image: str, on: str = "node1", phase: str = "Running", namespace: str = "shop") -> Pod:
    whole = {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"nodeName": on, "containers": [{"name": "app", "image": image}]},
        "status": {"phase": phase},
    }
    return msgspec.convert(whole, Pod)


def told(answers: dict[str, Any], client: Client, *pods: Pod, **settings: Any) -> tuple[list[str], FakeConnection]:
    """The images tried, and what was asked for them."""
    fake = FakeConnection(answers)
    snapshot = Snapshot(objects={key_of(one): one for one in pods})
    found = candidates(probe_context(fake, snapshot=snapshot, **settings), client)
    return [choice.image for choice in found], fake


@pytest.mark.parametrize(
    ("image", "form"),
    [
        ("localhost/python:3", "python"),
        ("python", "python"),
        ("registry.example:5000/library/python:3.12-slim@sha256:00", "python"),
        ("localhost/busybox:1", "shell"),
        ("images.example/library/alpine:3.20", "shell"),
        ("nicolaka/netshoot", "shell"),
        ("python:2.7", ""),
        ("shop/python-api:1", ""),
        ("python/web:1", ""),
        ("registry.example:5000/shop", ""),
        ("<none>:<none>", ""),
    ],
)
def test_an_image_is_known_by_the_last_part_of_its_name(image: str, form: str) -> None:
    assert form_of(image) == form


@pytest.mark.parametrize(("image", "form"), [("shop/tools:1", "either"), ("python:3", "python")])
def test_the_image_asked_for_is_the_only_one(image: str, form: str) -> None:
    own = [OwnImage("shop/web:1", "node1")]
    assert in_order(image, [node("node1", "python:3")], own) == [Choice(image, form)]


def test_python_on_a_node_is_better_than_nc_on_more() -> None:
    nodes = [node("node1", "busybox:1"), node("node2", "busybox:1", "shop/web:1", "localhost/python:3")]
    first, second, _ = in_order("", nodes)
    assert first == Choice("localhost/python:3", "python", ("host-node2",))
    assert second == Choice("busybox:1", "shell", ("host-node1", "host-node2"))


def test_of_two_alike_the_one_on_more_nodes_is_taken() -> None:
    nodes = [node("node1", "python:3.9", "python:3.12"), node("node2", "python:3.12")]
    assert in_order("", nodes)[0] == Choice("python:3.12", "python", ("host-node1", "host-node2"))


def test_of_two_alike_the_targets_own_is_taken_whatever_it_is_called() -> None:
    nodes = [node("node1", "docker.io/library/python:3.9", "python:3.12"), node("node2", "python:3.12")]
    own = [OwnImage("python:3.9", "node1")]
    assert in_order("", nodes, own)[0] == Choice("docker.io/library/python:3.9", "python", ("host-node1",))


def test_the_second_is_of_another_kind_than_the_first() -> None:
    nodes = [node("node1", "python:3.9", "python:3.12", "busybox:1")]
    assert [choice.form for choice in in_order("", nodes)] == ["python", "shell", "python"]


def test_known_names_come_before_the_targets_own_and_the_pull_is_last() -> None:
    nodes = [node("node1", "shop/web:1", "alpine:3")]
    own = [OwnImage("shop/web:1", "node1"), OwnImage("shop/sidecar:1", "node1")]
    assert [(c.image, c.form, c.present) for c in in_order("", nodes, own)] == [
        ("alpine:3", "shell", True),
        ("shop/web:1", "either", True),
        (DEFAULT, "python", False),
    ]


def test_there_are_never_more_than_the_bound() -> None:
    nodes = [node("node1", *(f"python:3.{n}" for n in range(9)), *(f"busybox:1.{n}" for n in range(9)))]
    own = [OwnImage(f"shop/{n}:1", "node1") for n in range(9)]
    assert len(in_order("", nodes, own)) == MOST_CANDIDATES


@pytest.mark.parametrize(
    "closed",
    [
        {"unschedulable": True},
        {"ready": "False"},
        {"taints": [{"key": "dedicated", "effect": "NoSchedule"}]},
        {"labels": {"kubernetes.io/os": "windows"}},
        {"labels": {"type": "virtual-kubelet"}},
    ],
)
def test_a_node_that_takes_no_probe_pod_does_not_count(closed: dict[str, Any]) -> None:
    nodes = [node("node1", "python:3", **closed), node("node2", "busybox:1")]
    own = [OwnImage("shop/web:1", "node1"), OwnImage("python:3", "node1")]
    assert [choice.image for choice in in_order("", nodes, own)] == ["busybox:1", DEFAULT]


@pytest.mark.parametrize("nodes", [None, [], [node("node1", "shop/web:1")]])
def test_without_a_known_image_the_default_is_taken_and_said(nodes: list[ImageNode] | None) -> None:
    (choice,) = in_order("", nodes)
    assert (choice.image, choice.present) == (DEFAULT, False)
    assert DEFAULT in choice.because


@pytest.mark.parametrize("prefix", ["registry.example/mirror", "registry.example/mirror/"])
def test_what_is_pulled_comes_from_under_the_prefix(prefix: str) -> None:
    images = [choice.image for choice in in_order("", [node("node1", "alpine:3")], prefix=prefix)]
    assert images == ["alpine:3", "registry.example/mirror/python:3-alpine"]


def test_who_may_not_read_nodes_still_uses_what_the_pods_run() -> None:
    images, _ = told(
        {NODES: forbidden("list", "nodes", "")}, ANYWHERE, pod("a", "shop/web:1"), pod("b", "alpine:3")
    )
    assert images == ["alpine:3", "shop/web:1", DEFAULT]


def test_a_pod_that_ended_does_not_count() -> None:
    images, _ = told({NODES: []}, ANYWHERE, pod("a", "python:3", phase="Succeeded"), pod("b", "alpine:3", on=""))
    assert images == [DEFAULT]


def test_any_node_will_do_is_one_page_of_nodes() -> None:
    nodes = [raw_node(f"node{n}", "alpine:3") for n in range(2 * MOST_NODES_READ)]
    images, fake = told({NODES: nodes}, ANYWHERE)
    assert (images, fake.asked) == (["alpine:3", DEFAULT], [f"LIST {NODES}"])


def test_for_one_node_only_that_one_is_read_and_only_its_images_count() -> None:
    client = Client(key="x", standing="node", namespace="shop", node="node2")
    pods = (pod("a", "shop/here:1", "node2"), pod("b", "shop/there:1", "node1"))
    answers = {f"{NODES}/node2": raw_node("node2", "alpine:3", taints=[{"key": "own", "effect": "NoSchedule"}])}
    images, fake = told(answers, client, *pods)
    assert images == ["alpine:3", "shop/here:1", DEFAULT]
    assert fake.asked == [f"GET {NODES}/node2"]


def test_the_client_pods_own_image_is_on_its_node_unread() -> None:
    own = pod("client", "shop/client:1", "node2", namespace="till")
    client = Client(key="x", standing="pod", namespace="till", node="node2", pod=own)
    fake = FakeConnection({f"{NODES}/node2": forbidden("get", "nodes", "")})
    first, last = candidates(probe_context(fake), client)
    # No hostname: it would be a guess, and the pod is bound to the node by name.
    assert (first.image, first.present, first.nodes) == ("shop/client:1", True, ())
    assert (last.image, last.present) == (DEFAULT, False)


def test_an_image_that_is_given_costs_no_request() -> None:
    images, fake = told({}, ANYWHERE, image="shop/tools:1", image_prefix="registry.example")
    assert (images, fake.asked) == (["shop/tools:1"], [])


@pytest.mark.parametrize(
    ("image", "same"),
    [
        ("python", "docker.io/library/python:latest"),
        ("docker.io/shop/web:1", "shop/web:1"),
        ("registry.example:5000/web", "registry.example:5000/web:latest"),
    ],
)
def test_one_image_has_several_names(image: str, same: str) -> None:
    assert plain(image) == plain(same)


def test_the_reason_of_each_failure_is_told() -> None:
    failures = [
        (Choice("alpine:3", "shell", ("node1",)), "alpine:3 cannot run the probe: no nc"),
        (Choice(DEFAULT, "python", because=f"so {DEFAULT} is pulled"), "ErrImagePull: no such host"),
    ]
    assert why_none_ran(failures) == (
        f"alpine:3 cannot run the probe: no nc; {DEFAULT}: ErrImagePull: no such host"
    )
    assert why_none_ran(failures[1:]) == f"ErrImagePull: no such host (so {DEFAULT} is pulled)"
