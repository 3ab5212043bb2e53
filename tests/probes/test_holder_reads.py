"""Whose an address is, and what a node is like: a bounded number of requests, a Gap for each refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kubectl_refused.model.facts import HOLDER, NODE, AddressKey, FactStore, Need, NodeKey
from kubectl_refused.model.gaps import Absent, Gap
from kubectl_refused.model.objects import Metadata, Node, NodeAddress, NodeStatus, Pod, PodIP, PodStatus
from kubectl_refused.model.observation import Holder
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.probes.holder_reads import HolderReads, holders_of
from kubectl_refused.probes.node_reads import NodeReads
from tests.fakes import FakeConnection, ask, forbidden, probe_context

NODES, PODS, SERVICES = "/api/v1/nodes", "/api/v1/pods", "/api/v1/services"
IN_SHOP = "/api/v1/namespaces/shop/pods"


def node(name: str, address: str = "10.1.0.1", *ranges: str) -> dict[str, Any]:
    status = {"addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}]}
    return {"metadata": {"name": name}, "spec": {"podCIDRs": list(ranges)}, "status": status}


def pod(name: str, *addresses: str, phase: str = "Running", **spec: Any) -> dict[str, Any]:
    status = {"phase": phase, "podIP": addresses[0], "podIPs": [{"ip": one} for one in addresses]}
    return {"metadata": {"name": name, "namespace": "web"}, "spec": spec, "status": status}


def service(name: str, *addresses: str) -> dict[str, Any]:
    spec = {"clusterIP": addresses[0], "clusterIPs": list(addresses)}
    return {"metadata": {"name": name, "namespace": "web"}, "spec": spec}


def cluster(**more: Any) -> FakeConnection:
    return FakeConnection(
        {
            NODES: [node("node1", "10.1.0.1", "10.2.1.0/24", "fd00:1::/64"), node("node2", "10.1.0.2")],
            PODS: [
                pod("old", "10.2.1.7", phase="Succeeded"),
                pod("web-1", "10.2.1.7", "fd00:1::7"),
                pod("proxy", "10.1.0.1", hostNetwork=True, nodeName="node1"),
                pod("other", "10.1.0.9", hostNetwork=True, nodeName="node9"),
            ],
            SERVICES: [service("web", "10.96.0.7", "fd00:96::7"), service("headless", "None")],
            **more,
        }
    )


@pytest.mark.parametrize(
    ("address", "holder"),
    [
        ("10.2.1.7", Holder("Pod", "web", "web-1")),
        ("fd00:1:0::7", Holder("Pod", "web", "web-1")),
        ("::ffff:10.2.1.7", Holder("Pod", "web", "web-1")),
        ("10.1.0.2", Holder("Node", "", "node2")),
        ("10.1.0.1", Holder("Node", "", "node1")),
        ("10.1.0.9", Holder("Node", "", "node9")),
        ("10.2.1.1", Holder("Node", "", "node1")),
        ("10.2.1.0", Holder("Node", "", "node1")),
        ("fd00:1::1", Holder("Node", "", "node1")),
        ("10.96.0.7", Holder("Service", "web", "web")),
        ("fd00:96::7", Holder("Service", "web", "web")),
        ("169.254.169.254", Holder()),
    ],
)
def test_an_address_has_a_holder_or_nobody(address: str, holder: Holder) -> None:
    fake = cluster()
    assert ask(HolderReads(), probe_context(fake), HOLDER, AddressKey(address)) == [holder]
    assert len(fake.asked) == 3


def test_few_addresses_are_selected_by_the_server() -> None:
    fake = cluster()
    holders_of(probe_context(fake), ["10.9.9.9"])
    assert sorted(fake.asked) == [
        f"LIST {NODES}",
        f"LIST {PODS}?fieldSelector=status.podIP=10.9.9.9",
        f"LIST {SERVICES}?fieldSelector=spec.clusterIP=10.9.9.9",
    ]


@pytest.mark.parametrize("count", [5, 500])
def test_many_addresses_cost_one_page_of_each_kind(count: int) -> None:
    fake = cluster()
    found = holders_of(probe_context(fake), [f"10.8.{i // 250}.{i % 250}" for i in range(count)])
    assert sorted(fake.asked) == [f"LIST {NODES}", f"LIST {PODS}", f"LIST {SERVICES}"]
    assert set(found.values()) == {Holder()}


def test_a_cluster_larger_than_a_page_leaves_a_bounded_number_of_questions() -> None:
    fake = cluster(**{PODS: [pod(f"p{i}", f"10.7.{i // 250}.{i % 250}") for i in range(600)]})
    found = holders_of(probe_context(fake), ["10.7.0.1", *(f"10.8.0.{i}" for i in range(20))])
    assert len(fake.asked) == 3 + 2 * 4
    assert found["10.7.0.1"] == Holder("Pod", "web", "p1")
    assert "only the first 500 of a kind were read" in {v.because for v in found.values() if isinstance(v, Gap)}


def test_what_was_read_already_is_not_asked_for() -> None:
    fake = FakeConnection({})
    seen = Pod(
        metadata=Metadata(name="web-1", namespace="web"),
        status=PodStatus(pod_ip="10.2.1.7", pod_ips=(PodIP(ip="10.2.1.7"), PodIP(ip="fd00:1::7"))),
    )
    known = Node(
        metadata=Metadata(name="node1"),
        status=NodeStatus(addresses=(NodeAddress(type="InternalIP", address="10.1.0.1"),)),
    )
    facts = FactStore().having([(Need(NODE, NodeKey("node1")), known)])
    context = probe_context(fake, snapshot=Snapshot({("Pod", "web", "web-1"): seen}), facts=facts)
    assert holders_of(context, ["fd00:1::7", "10.1.0.1"]) == {
        "fd00:1::7": Holder("Pod", "web", "web-1"),
        "10.1.0.1": Holder("Node", "", "node1"),
    }
    assert fake.asked == []


def test_with_rights_in_one_namespace_its_pods_are_found_and_nobody_is_never_claimed() -> None:
    fake = cluster(
        **{
            NODES: forbidden("list", "nodes", ""),
            PODS: forbidden("list", "pods", ""),
            SERVICES: forbidden("list", "services", ""),
            IN_SHOP: [pod("web-1", "10.2.1.7")],
        }
    )
    mine, other = ask(
        HolderReads(), probe_context(fake), HOLDER, AddressKey("10.2.1.7"), AddressKey("169.254.169.254")
    )
    assert mine == Holder("Pod", "web", "web-1")
    assert other == Gap(
        "whom 169.254.169.254 belongs to", "forbidden: list pods in all namespaces", "grant list pods"
    )


def test_a_name_is_no_address() -> None:
    fake = cluster()
    (found,) = ask(HolderReads(), probe_context(fake), HOLDER, AddressKey("db.example.com"))
    assert found == Gap("whom db.example.com belongs to", "it is no IP address")
    assert fake.asked == []


def nodes_asked(fake: FakeConnection, count: int) -> list[Any]:
    return ask(NodeReads(), probe_context(fake), NODE, *[NodeKey(f"node{i}") for i in range(count)])


def test_a_node_is_one_get() -> None:
    fake = FakeConnection({f"{NODES}/node0": node("node0", "10.1.0.1", "10.2.1.0/24")})
    (found,) = nodes_asked(fake, 1)
    assert found.spec.pod_cidrs == ("10.2.1.0/24",)
    assert fake.asked == [f"GET {NODES}/node0"]


@pytest.mark.parametrize(
    "answer", [lambda: [node(f"node{i}") for i in range(20)], lambda: forbidden("list", "nodes", "")]
)
def test_many_nodes_are_one_request(answer: Callable[[], Any]) -> None:
    fake = FakeConnection({NODES: answer()})
    found = nodes_asked(fake, 20)
    assert fake.asked == [f"LIST {NODES}"]
    assert {type(one) for one in found} <= {Node, Gap}
    assert len({type(one) for one in found}) == 1


def test_a_missing_node_is_absent_and_a_refused_one_a_gap() -> None:
    fake = FakeConnection({f"{NODES}/node1": forbidden("get", "nodes", ""), NODES: [node("x")]})
    gone, refused = nodes_asked(fake, 2)
    assert isinstance(gone, Absent)
    assert (refused.what, refused.remedy) == ("node/node1", "grant get nodes")
    assert all(isinstance(one, Absent) for one in nodes_asked(fake, 9))
