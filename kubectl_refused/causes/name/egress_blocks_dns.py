"""A NetworkPolicy of the client's namespace does not let it ask DNS.

Why it refuses:
    Once any policy selects the client for egress, everything it may not reach is closed, DNS too: without a rule
    for port 53 (UDP, and TCP for long answers) no name resolves, though the Service's address works. The client
    waits for its resolver's timeout, five seconds and more. A rule that was to allow it and has a slip (TCP for
    UDP, a label that the namespace lacks) allows nothing.
Confirm:
    kubectl get networkpolicy -n CLIENT_NAMESPACE -o yaml    # which select the client for Egress; port 53
Fix:
    Allow egress to the DNS servers on port 53, UDP and TCP.
See:
    https://kubernetes.io/docs/concepts/services-networking/network-policies/#default-deny-all-egress-traffic
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import change
from kubectl_refused.fixes.policy import amended
from kubectl_refused.fixes.requests import request
from kubectl_refused.model.evidence import Certainty, Finding, Fix
from kubectl_refused.model.facts import LOOKUP, NAMESPACE, PODS_IN, POLICIES_IN, SERVICES_IN, NamespaceKey
from kubectl_refused.model.objects import Labels, NetworkPolicy, Pod
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.denials import Denial, client_told, party
from kubectl_refused.trace.name_service import (
    PORT,
    SYSTEM,
    failed_lookup,
    lookup_proof,
    name_servers,
    ready,
    unanswered,
)
from kubectl_refused.trace.near_rules import NearRule, near_proof, nearest_rule
from kubectl_refused.trace.policies import allows, selecting
from kubectl_refused.trace.proofs import field

_LABELS = {"k8s-app": "kube-dns"}


@cause(
    "KR105",
    scope=Scope.ROUTE,
    reads={LOOKUP, NAMESPACE, PODS_IN, POLICIES_IN, SERVICES_IN},
    produces=Symptom.NO_NAME,
    since="0.2",
    needs_symptom=True,
)
def egress_blocks_dns(scene: Scene) -> Iterator[Finding]:
    """Yield when nobody answers the client's lookup, and its egress policies let it reach no DNS server."""
    lookup = failed_lookup(scene)
    if lookup is None or not unanswered(lookup) or not scene.vantage.is_pod:
        return
    home = scene.vantage.namespace or scene.target.namespace
    policies = scene.need(POLICIES_IN, NamespaceKey(home))
    closing = selecting(policies, "Egress", home, dict(scene.vantage.labels))
    behind = name_servers(scene) if closing else None
    servers = [pod for pod in behind[1] if ready(pod)] if behind else []
    if not servers or any(_lets_out(scene, closing, pod, PORT, "UDP") for pod in servers):
        return
    names, first = ", ".join(p.metadata.name for p in closing), closing[0]
    subject = f"networkpolicy/{first.metadata.name}"
    who = client_told(scene)
    near = _nearest(scene, closing, servers[0])
    says = f"{names} selects {who} for egress; no rule lets it out to {servers[0].metadata.name} on UDP {PORT}"
    yield Finding(
        where=subject,
        says=f"{names} does not let {who} out to DNS (UDP port {PORT})",
        headline=f"NetworkPolicy {names} does not let {scene.vantage.who} ask DNS",
        # Where the pods themselves are closed too, that is mended first: DNS comes after it in the chain.
        certainty=Certainty.LIKELY if _closed_anyway(scene, closing) else Certainty.PROVED,
        evidence=(
            field(scene, subject, "spec.egress", None, says),
            *([near_proof(scene, near)] if near else []),
            lookup_proof(scene, lookup),
        ),
        fix=amended(scene, near)
        if near
        else _allow(scene, first, (behind[0].spec.selector if behind else None) or _LABELS),
    )


def _nearest(scene: Scene, closing: tuple[NetworkPolicy, ...], server: Pod) -> NearRule | None:
    """The rule that was to let DNS through."""
    address = (server.status.pod_ip if server.status else None) or ""
    peer = party(scene, server.metadata.namespace, server.metadata.labels or {}, address)
    denial = Denial("Egress", closing, peer, server, PORT, Certainty.PROVED, (), protocol="UDP")
    return nearest_rule(denial, own_labels=True)


def _lets_out(
    scene: Scene, closing: tuple[NetworkPolicy, ...], pod: Pod, port: int, protocol: str = "TCP"
) -> bool:
    address = (pod.status.pod_ip if pod.status else None) or ""
    peer = party(scene, pod.metadata.namespace, pod.metadata.labels or {}, address)
    return allows(closing, "Egress", peer, pod, port, protocol=protocol)


def _closed_anyway(scene: Scene, closing: tuple[NetworkPolicy, ...]) -> bool:
    ends = [(e.pod, e.port) for e in scene.ready_endpoints if e.pod and e.port]
    return any(not _lets_out(scene, closing, pod, port) for pod, port in ends)


def _allow(scene: Scene, policy: NetworkPolicy, servers: Labels) -> Fix:
    space = {"matchLabels": {"kubernetes.io/metadata.name": SYSTEM}}
    rule: dict[str, Any] = {
        "to": [{"namespaceSelector": space, "podSelector": {"matchLabels": servers}}],
        "ports": [{"protocol": "UDP", "port": PORT}, {"protocol": "TCP", "port": PORT}],
    }
    path, value = ("/spec/egress/-", rule) if policy.spec.egress else ("/spec/egress", [rule])
    operations = [{"op": "add", "path": path, "value": value}]
    metadata = policy.metadata
    return change(
        scene,
        "NetworkPolicy",
        metadata,
        summary=f"Allow egress to the DNS servers on port {PORT}",
        patch={"spec": {"egress": [rule]}},
        verb=("patch", "--type", "json", "-p", json.dumps(operations, separators=(",", ":"))),
        sent=request("NetworkPolicy", metadata.namespace, metadata.name, operations),
    )
