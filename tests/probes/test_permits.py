"""What is dialled and what is not: whoever writes EndpointSlices does not choose."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from kubectl_refused.model.facts import HANDSHAKE, PODS_IN, Dial, Fact, FactStore, NamespaceKey, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import EndpointSlice, KubernetesObject
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.target import Depth
from kubectl_refused.probes.base import Learnt, ProbeContext, Right
from kubectl_refused.probes.permits import Permits
from kubectl_refused.probes.prober import Prober
from tests.case_folders import decoded
from tests.fakes import FakeConnection, forbidden, probe_context
from tests.scenery import CLUSTER_IP, endpoint_slice, pod, service, snapshot

NODES, PODS, SERVICES = "/api/v1/nodes", "/api/v1/pods", "/api/v1/services"
PUBLISHED = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes"
NOBODY = "belongs to no pod, node or Service of the cluster, so it was not dialled"
ENTRANCE = f"{CLUSTER_IP}:80"


class ClusterApi(FakeConnection):
    """A cluster with other people's pod, Service and node, and an API server at 10.1.0.9:6443."""

    server = "https://192.0.2.1:6443"


def other(name: str, address: str, **more: Any) -> dict[str, Any]:
    status = {"phase": "Running", "podIP": address}
    return {"metadata": {"name": name, "namespace": "other", **more}, "status": status}


def cluster(**more: Any) -> ClusterApi:
    node = {
        "metadata": {"name": "node1"},
        "spec": {"podCIDR": "10.0.0.0/24"},
        "status": {"addresses": [{"type": "InternalIP", "address": "10.1.0.9"}]},
    }
    kubernetes = {"metadata": {"name": "kubernetes", "namespace": "default"}, "spec": {"clusterIP": "10.96.0.1"}}
    evil = {"metadata": {"name": "evil", "namespace": "other"}, "spec": {"clusterIP": "10.96.0.66"}}
    published = {
        "metadata": {"name": "kubernetes", "namespace": "default"},
        "endpoints": [{"addresses": ["10.1.0.9"]}],
        "ports": [{"port": 6443}],
    }
    answers = {NODES: [node], PODS: [other("db", "10.0.0.50")], SERVICES: [kubernetes, evil]}
    return ClusterApi({**answers, PUBLISHED: published, **more})


def by_hand(*addresses: str, names: str = "", ready: bool | None = None, port: int = 8080) -> EndpointSlice:
    """A slice of svc/web that no controller wrote; its endpoints say that they are the pod `names`."""
    ref = {"kind": "Pod", "name": names, "namespace": "shop"}
    endpoints = [
        {"addresses": [one], "conditions": {"ready": ready}, **({"targetRef": ref} if names else {})}
        for one in addresses
    ]
    made = decoded(
        {
            "kind": "EndpointSlice",
            "metadata": {
                "name": "by-hand",
                "namespace": "shop",
                "labels": {"kubernetes.io/service-name": "web"},
            },
            "endpoints": endpoints,
            "ports": [{"name": "", "port": port, "protocol": "TCP"}],
        }
    )
    assert isinstance(made, EndpointSlice)
    return made


def dial(place: str, at: str = "") -> Need:
    host, _, port = place.rpartition(":")
    return Need(HANDSHAKE, Dial(host.strip("[]"), int(port), at))


def refused(
    *places: str, objects: Sequence[KubernetesObject], fake: FakeConnection | None = None, **settings: Any
) -> list[Gap | None]:
    """Why each place is not dialled, None where it is."""
    context = probe_context(fake or cluster(), snapshot=snapshot(service(), *objects), **settings)
    found = Permits().refusals([dial(place) for place in places], context)
    return [found.get(dial(place)) for place in places]


def test_a_services_own_pods_cost_no_request() -> None:
    fake, pods = cluster(), [pod(f"web-{i}", ip=f"10.0.0.{i}") for i in range(1, 9)]
    places = [ENTRANCE, *(f"10.0.0.{i}:8080" for i in range(1, 9))]
    assert refused(*places, objects=[*pods, endpoint_slice(*pods)], fake=fake) == [None] * 9
    assert fake.asked == []


def test_an_address_outside_of_the_cluster_is_not_dialled_and_neither_is_what_leads_there() -> None:
    entrance, endpoint = refused(ENTRANCE, "203.0.113.5:8080", objects=[by_hand("203.0.113.5")])
    assert endpoint == Gap("203.0.113.5:8080", NOBODY, "--dial-any")
    assert entrance == endpoint, "one reason is told once"
    (alone,) = refused(ENTRANCE, objects=[by_hand("203.0.113.5")])
    assert alone == Gap(ENTRANCE, f"leads to 203.0.113.5:8080, which {NOBODY}", "--dial-any")


def test_one_foreign_endpoint_among_many_keeps_the_entrance_shut_and_the_others_open() -> None:
    mine = pod()
    found = refused(ENTRANCE, "10.0.0.1:8080", objects=[mine, endpoint_slice(mine), by_hand("203.0.113.5")])
    assert [gap is None for gap in found] == [False, True]


def test_an_endpoint_that_gets_no_traffic_does_not_shut_the_entrance() -> None:
    assert refused(ENTRANCE, objects=[by_hand("203.0.113.5", ready=False)]) == [None]


@pytest.mark.parametrize(
    ("address", "because"),
    [
        ("127.0.0.1", "is a loopback address, so it was not dialled"),
        ("::1", "is a loopback address, so it was not dialled"),
        ("::ffff:127.0.0.1", "is a loopback address, so it was not dialled"),
        ("169.254.169.254", "is a link-local address, so it was not dialled"),
        ("fe80::1", "is a link-local address, so it was not dialled"),
        ("224.0.0.1", "is a multicast address, so it was not dialled"),
        ("0.0.0.0", "is no host's address, so it was not dialled"),
    ],
)
def test_addresses_that_no_pod_has_are_not_dialled_whoever_claims_them(address: str, because: str) -> None:
    mine = pod(ip=address)
    place = f"[{address}]:8080" if ":" in address else f"{address}:8080"
    (gap,) = refused(place, objects=[mine, endpoint_slice(mine)])
    assert gap is not None
    assert gap.because == because


@pytest.mark.parametrize(
    ("place", "because"),
    [
        ("10.1.0.9:6443", "is the API server's own address, so it was not dialled"),
        ("192.0.2.1:6443", "is the API server's own address, so it was not dialled"),
        ("10.96.0.1:443", "is the API server's own address, so it was not dialled"),
        ("10.96.0.66:80", "is the address of svc/evil, which may lead anywhere, so it was not dialled"),
    ],
)
def test_a_slice_leads_neither_to_the_api_server_nor_to_another_service(place: str, because: str) -> None:
    host, _, port = place.rpartition(":")
    (gap,) = refused(place, objects=[by_hand(host, port=int(port))])
    assert gap is not None
    assert gap.because == because


@pytest.mark.parametrize("address", ["10.0.0.50", "10.1.0.9", "10.0.0.1"])
def test_a_live_pod_or_node_that_a_slice_points_to_is_dialled(address: str) -> None:
    assert refused(ENTRANCE, f"{address}:8080", objects=[by_hand(address)]) == [None, None]


@pytest.mark.parametrize("address", ["10.0.0.50", "10.0.0.2"])
def test_an_endpoint_must_have_the_address_of_the_pod_it_names(address: str) -> None:
    """Of a pod that was read, and of one that only the API server knows."""
    objects: list[KubernetesObject] = [pod(), pod("web-2", ip="10.0.0.2"), by_hand(address, names="web-1")]
    (gap,) = refused(f"{address}:8080", objects=objects)
    assert gap is not None
    assert gap.because.startswith("is pod/web-1 by slice by-hand, but belongs to pod/")


def test_a_pod_that_the_selector_does_not_pick_may_be_named() -> None:
    api = cluster(**{PODS: [other("spare", "10.0.0.70", namespace="shop")]})
    assert refused("10.0.0.70:8080", objects=[by_hand("10.0.0.70", names="spare")], fake=api) == [None]


def test_a_finished_pods_address_is_nobodys() -> None:
    gone = pod(ip="10.0.0.3")
    assert gone.status is not None
    finished = replace(gone, status=replace(gone.status, phase="Failed"))
    (gap,) = refused("10.0.0.3:8080", objects=[finished, by_hand("10.0.0.3", names="web-1")])
    assert gap == Gap("10.0.0.3:8080", NOBODY, "--dial-any")


def test_whoever_may_not_ask_does_not_dial_what_the_objects_do_not_vouch_for() -> None:
    no = {path: forbidden("list", path.rsplit("/", 1)[-1], "") for path in (NODES, PODS, SERVICES)}
    fake = cluster(**no, **{"/api/v1/namespaces/shop/pods": []})
    (gap,) = refused("203.0.113.5:8080", objects=[by_hand("203.0.113.5")], fake=fake)
    assert gap is not None
    assert gap.because == (
        "is nobody's as far as can be told (forbidden: list pods in all namespaces), so it was not dialled"
    )
    assert gap.remedy == "grant list pods, or --dial-any"


@pytest.mark.parametrize("settings", [{"dial_any": True}, {"depth": Depth.NONE}])
def test_with_dial_any_and_without_dials_nothing_is_asked(settings: dict[str, Any]) -> None:
    fake = cluster()
    assert refused("203.0.113.5:8080", objects=[by_hand("203.0.113.5")], fake=fake, **settings) == [None]
    assert fake.asked == []


def test_a_thousand_foreign_addresses_are_one_line_and_four_requests() -> None:
    addresses = [f"203.0.{i // 250}.{i % 250}" for i in range(1000)]
    fake = cluster()
    found = refused(*(f"{one}:8080" for one in addresses), objects=[by_hand(*addresses)], fake=fake)
    assert {gap.what for gap in found if gap} == {"203.0.0.0:8080, 203.0.0.1:8080, 203.0.0.2:8080 and 997 more"}
    assert len(fake.asked) == 4


def test_what_the_api_server_publishes_of_itself_is_dialled() -> None:
    """`svc/kubernetes` itself can be asked about."""
    published = decoded(
        {
            "kind": "EndpointSlice",
            "metadata": {
                "name": "kubernetes",
                "namespace": "default",
                "labels": {"kubernetes.io/service-name": "kubernetes"},
            },
            "endpoints": [{"addresses": ["10.1.0.9"]}],
            "ports": [{"name": "https", "port": 6443}],
        }
    )
    assert isinstance(published, EndpointSlice)
    fake = cluster()
    assert refused("10.1.0.9:6443", objects=[published], fake=fake) == [None]
    assert fake.asked == []


def test_what_was_asked_is_remembered_for_the_run() -> None:
    fake = cluster()
    context = probe_context(fake, snapshot=snapshot(service(), by_hand("203.0.113.5")))
    permits = Permits()
    first = permits.refusals([dial("203.0.113.5:8080")], context)
    assert permits.refusals([dial("203.0.113.5:8080")], context) == first
    assert len(fake.asked) == 4


class Accepts:
    """A method that dials whatever it is given."""

    name, order, depth = "accepts", 1, Depth.PASSIVE
    facts: frozenset[Fact[Any]] = frozenset({HANDSHAKE, PODS_IN})
    rights: tuple[Right, ...] = ()

    def __init__(self) -> None:
        self.dialled: list[Dial] = []

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[Learnt]:
        self.dialled += [need.subject for need in needs if need.fact is HANDSHAKE]
        yield from ((n, Handshake("", 1, Outcome.ACCEPTED, 0.1, "accepts")) for n in needs)


@pytest.mark.parametrize("at", ["", "pod/client"])
def test_no_method_is_given_a_dial_that_is_refused_and_the_report_says_so(at: str) -> None:
    method, objects = Accepts(), snapshot(service(), pod(), endpoint_slice(pod()), by_hand("203.0.113.5"))
    prober = Prober([method], probe_context(cluster()))
    needs = [dial("203.0.113.5:8080", at), dial("10.0.0.1:8080", at), Need(PODS_IN, NamespaceKey("shop"))]
    learnt = dict(prober.learn(needs, objects, FactStore()))
    assert method.dialled == [Dial("10.0.0.1", 8080, at)]
    assert isinstance(learnt[needs[0]], Gap)
    assert set(learnt) == set(needs)
    assert [gap.what for gap in prober.notices_about(needs)] == ["203.0.113.5:8080"]


def test_where_an_external_name_leads_is_dialled_only_where_a_person_says_so() -> None:
    alias = service(type="ExternalName", externalName="db.example.com", clusterIP=None)
    needs = [Need(HANDSHAKE, Dial("db.example.com.", 5432))]
    fake = cluster()
    context = probe_context(fake, snapshot=snapshot(alias))
    because = "an ExternalName leads there, out of the cluster, so it was not dialled"
    assert Permits().refusals(needs, context) == {needs[0]: Gap("db.example.com:5432", because, "--dial-any")}
    assert fake.asked == []
    assert Permits().refusals(needs, probe_context(fake, snapshot=snapshot(alias), dial_any=True)) == {}
