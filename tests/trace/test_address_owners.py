"""Addresses and names lead back to what has them, and to nothing where a host is meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.model.objects import (
    Condition,
    LoadBalancerIngress,
    LoadBalancerStatus,
    Metadata,
    Node,
    NodeAddress,
    NodeStatus,
    Pod,
    PodStatus,
    Service,
    ServicePort,
    ServiceSpec,
    ServiceStatus,
)
from kubectl_refused.model.target import Target
from kubectl_refused.resolve.places import place_of
from kubectl_refused.trace.address_owners import Owners, named_in_cluster, owner_of

PORT = ServicePort(port=80, node_port=30080, target_port=8080)
WEB = Service(
    metadata=Metadata(name="web", namespace="shop"),
    spec=ServiceSpec(
        type="LoadBalancer", cluster_ip="10.96.3.7", cluster_ips=("10.96.3.7", "fd00::7"), ports=(PORT,)
    ),
    status=ServiceStatus(
        load_balancer=LoadBalancerStatus(
            ingress=(LoadBalancerIngress(ip="192.168.1.5"), LoadBalancerIngress(hostname="A.elb.example"))
        )
    ),
)


def node(name: str, address: str, ready: str = "True") -> Node:
    status = NodeStatus(
        addresses=(NodeAddress(type="InternalIP", address=address), NodeAddress(type="Hostname", address=name)),
        conditions=(Condition(type="Ready", status=ready),),
    )
    return Node(metadata=Metadata(name=name), status=status)


def pod(name: str, address: str, phase: str) -> Pod:
    return Pod(metadata=Metadata(name=name, namespace="shop"), status=PodStatus(phase=phase, pod_ip=address))


KNOWN = Owners(
    (WEB,),
    (node("down", "192.168.1.4", "False"), node("one", "192.168.1.5")),
    (
        pod("old", "10.202.0.9", "Succeeded"),
        pod("web-1", "10.202.0.9", "Running"),
        pod("done", "10.202.0.8", "Failed"),
    ),
)


def asked(word: str) -> Target:
    found = place_of(word)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("word", "told", "host"),
    [
        ("10.96.3.7:80", "svc/web:80", ""),
        ("http://10.96.3.7/cart", "svc/web:80", ""),
        ("[fd00::7]:81", "svc/web:81", ""),
        ("192.168.1.5:80", "lb/web", ""),
        ("a.elb.example:80", "lb/web", ""),
        ("192.168.1.5:30080", "node/one:30080", "192.168.1.5"),
        ("192.168.1.5:22", "node/one:22", "192.168.1.5"),
        ("10.202.0.9:8080", "pod/web-1:8080", ""),
        ("localhost:30080", "node/one:30080", "127.0.0.1"),
        ("[::1]:30080", "node/one:30080", "::1"),
        (":30080", "node/one:30080", "127.0.0.1"),
    ],
)
def test_what_has_the_address(word: str, told: str, host: str) -> None:
    found = owner_of(asked(word), KNOWN)
    assert found is not None
    assert (str(found), found.host, found.scheme, found.path) == (told, host, "", "")


@pytest.mark.parametrize("word", ["8.8.8.8:53", "10.202.0.8:8080", "localhost:8080", "b.elb.example:80"])
def test_what_nothing_of_the_cluster_has(word: str) -> None:
    assert owner_of(asked(word), KNOWN) is None


@pytest.mark.parametrize(
    ("word", "told", "namespace"),
    [
        ("db.shop.svc:5432", "svc/db:5432", "shop"),
        ("db.shop.svc.cluster.local:5432", "svc/db:5432", "shop"),
        ("db-0.db.shop.svc.cluster.local:5432", "pod/db-0:5432", "shop"),
    ],
)
def test_names_of_the_clusters_dns(word: str, told: str, namespace: str) -> None:
    found = named_in_cluster(asked(word))
    assert found is not None
    assert (str(found), found.namespace) == (told, namespace)


@pytest.mark.parametrize(
    "word", ["db.shop:5432", "svc.shop.example:80", "a.b.c.d.svc:80", "db.shop.svc.example.com:80"]
)
def test_names_of_other_hosts(word: str) -> None:
    assert named_in_cluster(asked(word)) is None


@given(st.text(max_size=80), st.integers(1, 65535))
def test_any_name_and_address_ends_in_a_target_or_none(name: str, port: int) -> None:
    target = Target(name, "", str(port), "Address")
    for found in (named_in_cluster(target), owner_of(target, KNOWN)):
        assert found is None or found.in_cluster
