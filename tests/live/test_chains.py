"""Several faults at once: the first report lists them, and each printed command brings the next one to light."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster.api import Cluster

from .from_shop import HTTPD
from .small_shop import deployment, policy
from .test_causes_b_endpoints import SETTLE_SECONDS, asked, furnish
from .test_fix import runs
from .tool import refused, until
from .witness_shop import service

LOOPBACK = {"command": ["httpd", "-f", "-p", "127.0.0.1:8080"]}
PROBED = {**LOOPBACK, "readinessProbe": {"tcpSocket": {"port": 9999}, "periodSeconds": 1}}
ALLOWS = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "allow-web"},
    "spec": {"podSelector": {"matchLabels": {"app": "wbe"}}, "ingress": [{"ports": [{"port": 8080}]}]},
}
SELECTOR = ("selector-matches-nothing", "wrong-target-port", "listens-on-loopback")
# The rule names the port that is dialled and the one the app is on: it is right before and after the next link.
POLICY = ("ingress-denied", "wrong-target-port")
# The policy that was to let clients in selects other pods by a slip; and the app listens on localhost.
SLIP = ("policy-nearly-allows", "listens-on-loopback")
PROBE = ("readiness-probe-wrong-port", "listens-on-loopback")


def faults(report: dict[str, Any]) -> list[str]:
    """The root and what stands behind it, in the report's order."""
    path = report["paths"][0]
    return [path["root"]["name"], *(root["name"] for root in path["chain"])]


def shown_until(cluster: Cluster, namespace: str, wanted: list[str]) -> dict[str, Any]:
    """The first report that tells these faults, in this order."""
    answer = until(
        lambda: refused(cluster.kubeconfig, "svc/web", "-n", namespace, "-o", "json"),
        lambda one: bool(one.out) and one.root == wanted[0] and faults(one.report) == wanted,
        SETTLE_SECONDS,
    )
    assert faults(answer.report) == wanted, answer
    return answer.report


@pytest.mark.parametrize(
    ("objects", "chain"),
    [
        ([deployment("web", LOOPBACK), service("web", {"app": "wbe"}, 80, 9999)], SELECTOR),
        ([deployment("web", HTTPD), service("web", {"app": "web"}, 80, 9999), policy("web")], POLICY),
        ([deployment("web", LOOPBACK), service("web", {"app": "web"}, 80, 8080), policy("web"), ALLOWS], SLIP),
        ([deployment("web", PROBED), service("web", {"app": "web"}, 80, 8080)], PROBE),
    ],
    ids=["selector", "policy", "slip", "probe"],
)
def test_a_chain_is_told_whole_and_mended_link_by_link(
    cluster: Cluster, namespace: str, objects: list[dict[str, Any]], chain: tuple[str, ...]
) -> None:
    furnish(cluster, namespace, *objects)
    left = list(chain)
    while left:
        report = shown_until(cluster, namespace, left)
        runs(cluster, report["root"]["fix"]["command"])
        left.pop(0)
    assert asked(cluster, namespace, None).code == 0
