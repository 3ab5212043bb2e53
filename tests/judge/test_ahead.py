"""What shows once the root is mended: told from the sockets of one pod, without a dial that was never made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec import convert
from msgspec.structs import replace

from kubectl_refused.causes import catalogue
from kubectl_refused.judge.ahead import ahead, open_ahead
from kubectl_refused.model.evidence import PacketEvidence
from kubectl_refused.model.facts import (
    LISTENERS,
    PODS_ELSEWHERE,
    PODS_IN,
    WORKLOADS_IN,
    NamespaceKey,
    Need,
    PodKey,
    SelectorKey,
)
from kubectl_refused.model.objects import Condition
from kubectl_refused.model.observation import Listeners, Socket
from kubectl_refused.model.target import Depth
from kubectl_refused.trace.rulings import Ruling, rule
from tests.scenery import endpoint_slice, pod, scene, service

SHOP, POD = NamespaceKey("shop"), PodKey("shop", "web-1")
WRONG = [{"port": 80, "protocol": "TCP", "targetPort": 9999}]


def mistaken(*sockets: str, ports: Sequence[dict[str, Any]] = WRONG) -> Ruling:
    """A selector that nobody carries, before a pod with these listening sockets; unread without any."""
    ready = [{"type": "Ready", "status": "True"}]
    one = pod()
    assert one.status is not None
    status = replace(one.status, conditions=convert(ready, tuple[Condition, ...]))
    one = replace(one, status=status)
    made = service(selector={"app": "wbe"}, ports=list(ports))
    facts: dict[Need, Any] = {
        Need(PODS_IN, SHOP): (one,),
        Need(WORKLOADS_IN, SHOP): (),
        Need(PODS_ELSEWHERE, SelectorKey((("app", "wbe"),))): (),
    }
    if sockets:
        found = tuple(Socket(s.rpartition(":")[0], int(s.rpartition(":")[2])) for s in sockets)
        facts[Need(LISTENERS, POD)] = Listeners(found, "exec")
    return rule(scene(made, endpoint_slice(), facts=facts), catalogue())


def names(ruling: Ruling) -> list[str]:
    return sorted(found.cause.name for found in ahead(ruling))


@pytest.mark.parametrize(
    ("sockets", "ports", "wanted"),
    [
        (["127.0.0.1:8080"], WRONG, ["listens_on_loopback", "wrong_target_port"]),
        (["0.0.0.0:8080"], WRONG, ["wrong_target_port"]),
        (["0.0.0.0:9999"], WRONG, []),
    ],
)
def test_the_sockets_of_the_pod_that_is_meant_tell(
    sockets: list[str], ports: list[dict[str, Any]], wanted: list[str]
) -> None:
    assert names(mistaken(*sockets, ports=ports)) == wanted


def test_no_dial_is_told_that_was_never_made() -> None:
    for found in ahead(mistaken("127.0.0.1:8080")):
        assert not any(isinstance(e, PacketEvidence) for e in found.finding.evidence)


def test_sockets_are_asked_of_one_pod_and_only_where_pods_may_be_entered() -> None:
    assert Need(LISTENERS, POD) in open_ahead([mistaken()], Depth.PODS)
    assert Need(LISTENERS, POD) not in open_ahead([mistaken()], Depth.PASSIVE)
    assert Need(LISTENERS, POD) not in open_ahead([mistaken("0.0.0.0:9999")], Depth.PODS)


def test_a_path_that_hides_nothing_is_not_asked() -> None:
    one = pod()
    ruling = rule(scene(one, endpoint_slice(one)), catalogue())
    assert open_ahead([ruling], Depth.PODS) == []
    assert ahead(ruling) == ()
