"""An accept that only a mesh's proxy gave is neither healthy nor complete; strange places are told as Gaps."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_refused.causes import catalogue
from kubectl_refused.cli.exit_codes import NO_FAULT, NOT_PROVED, exit_code
from kubectl_refused.judge.verdict import judge
from kubectl_refused.model.facts import FORWARD, LISTENERS, NODE, Need, NodeKey, PodKey, PodPort
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Metadata, Node, Pod
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.report import Diagnosis
from kubectl_refused.model.target import Depth
from kubectl_refused.trace.rulings import rule
from tests.scenery import CLUSTER_IP, TARGET, dialled, endpoint_slice, listening, pod, scene

MESHED: dict[str, Any] = {"metadata": {"labels": {"app": "web"}, "annotations": {"sidecar.istio.io/status": "{}"}}}
ACCEPTED = dialled(CLUSTER_IP, 80, Outcome.ACCEPTED) | dialled("10.0.0.1", 8080, Outcome.ACCEPTED)
UNREAD = {Need(LISTENERS, PodKey("shop", "web-1")): Gap("sockets", "no shell in it", "--probe all")}
INSIDE = Need(FORWARD, PodPort("shop", "web-1", 8080))


def judged(facts: dict[Need, Any], *pods: Pod) -> Diagnosis:
    made = scene(*pods, endpoint_slice(*pods), facts=facts)
    return judge(TARGET, [rule(made, catalogue())], context="", depth=Depth.PODS, gaps=(), touched=())


def test_a_proxys_accept_alone_is_a_gap_with_its_remedy() -> None:
    inside = {INSIDE: Handshake("localhost", 8080, Outcome.ACCEPTED, 0.5, "port-forward")}
    told = judged(ACCEPTED | UNREAD | inside, pod(**MESHED))
    (gap,) = told.gaps
    assert (told.root, told.complete, exit_code(told)) == (None, False, NOT_PROVED)
    assert gap.because.startswith("accepted by the istio-proxy sidecar, which accepts for a dead app too; ")
    assert gap.because.endswith("its sockets were not read: no shell in it")
    assert gap.remedy == "--probe all"


def test_the_same_accept_is_healthy_where_a_socket_vouches_for_it_or_no_proxy_is_there() -> None:
    sockets = listening("web-1", ("0.0.0.0", 15006), ("0.0.0.0", 8080))
    for told in (judged(ACCEPTED | sockets, pod(**MESHED)), judged(ACCEPTED | UNREAD, pod())):
        assert (told.root, told.gaps, told.complete, exit_code(told)) == (None, (), True, NO_FAULT)


def test_sockets_that_do_not_take_it_are_told_though_no_cause_is_found() -> None:
    """One bound to the address of an earlier pod: the proxy may know better, and nobody can say."""
    told = judged(ACCEPTED | listening("web-1", ("10.9.9.9", 8080)), pod(**MESHED))
    assert not told.complete
    assert "no socket takes what the proxy would send on" in told.gaps[0].because


def test_what_a_client_gets_after_the_proxys_accept() -> None:
    dead = listening("web-1", ("0.0.0.0", 15006))
    assert judged(ACCEPTED | dead, pod(**MESHED)).outcome is Outcome.RESET
    twin = pod("web-2", ip="10.0.0.2")
    both = ACCEPTED | dead | dialled("10.0.0.2", 8080, Outcome.ACCEPTED)
    assert judged(both, pod(**MESHED), twin).outcome is Outcome.MIXED


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"runtimeClassName": "gvisor"}, "it runs in gVisor"),
        ({"runtimeClassName": "kata"}, "it runs in Kata Containers"),
        ({"os": {"name": "windows"}}, "it runs on a Windows node"),
        ({"hostNetwork": True}, "every process of the node listens"),
    ],
)
def test_strange_places_are_named_where_a_dial_failed_and_nothing_is_proved(
    spec: dict[str, Any], says: str
) -> None:
    failed = dialled("10.0.0.1", 8080) | UNREAD
    assert any(says in gap.because for gap in judged(failed, pod(spec=spec)).gaps)
    assert judged(ACCEPTED | UNREAD, pod(spec=spec)).gaps == ()


def test_a_virtual_node_is_known_by_its_labels() -> None:
    node = Node(metadata=Metadata(name="node1", labels={"type": "virtual-kubelet"}))
    failed = dialled("10.0.0.1", 8080) | UNREAD | {Need(NODE, NodeKey("node1")): node}
    assert any("a virtual node" in gap.because for gap in judged(failed, pod()).gaps)


@pytest.mark.parametrize("detail", ["EOF", "read tcp 10.0.0.9:5->10.0.0.1:8080: read: connection reset by peer"])
def test_a_server_that_hangs_up_on_the_api_servers_request_is_not_called_well(detail: str) -> None:
    facts = dialled(CLUSTER_IP, 80, Outcome.ACCEPTED) | dialled(
        "10.0.0.1", 8080, Outcome.ACCEPTED, witness="pod-proxy", detail=detail
    )
    told = judged(facts, pod())
    assert (told.outcome, told.complete, exit_code(told)) == (Outcome.ACCEPTED, False, NOT_PROVED)
    assert told.gaps[0].what == "whether web-1 serves"
