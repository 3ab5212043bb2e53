"""Istio takes only mutual TLS from the mesh, and the client is outside of it.

Why it refuses:
    With a PeerAuthentication of mode STRICT the sidecar accepts every connection and hangs up on whoever speaks
    anything but the mesh's own TLS: a client without a sidecar, an Ingress controller outside the mesh, a node.
Confirm:
    kubectl get peerauthentication -A    # those of the pod, of its namespace, of istio-system
Fix:
    Give the client a sidecar, or set the mode to PERMISSIVE for this port (portLevelMtls).
See:
    https://istio.io/latest/docs/reference/config/security/peer_authentication/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Evidence, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, MESH, PODS_IN
from kubectl_refused.model.mesh import PeerAuthentication
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Handshake
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.mesh_policies import (
    STRICT,
    behind_mesh,
    client_of,
    is_named,
    peer_mode,
    shut,
    told_to,
    unread,
)
from kubectl_refused.trace.proofs import field, packet


@cause(
    "KR503",
    scope=Scope.ROUTE,
    reads={HANDSHAKE, MESH, PODS_IN},
    produces=Symptom.RESET,
    since="0.3",
    needs_symptom=True,
)
def mesh_wants_mutual_tls(scene: Scene) -> Iterator[Finding]:
    """Yield when the mode is STRICT and a client outside the mesh was named, or was seen to be hung up on."""
    for view, endpoint, pod in behind_mesh(scene, "Istio"):
        seen = view.dialled
        if not (shut(seen) or is_named(scene)) or client_of(scene, seen).meshed or endpoint.port is None:
            continue
        told = told_to(scene, pod.metadata.namespace)
        mode, policy = peer_mode(told, pod, endpoint.port) if told else ("", None)
        if mode == STRICT and policy is not None:
            yield _finding(view, pod, policy, seen if shut(seen) else None)
            return
        unread(scene, pod.metadata.namespace, seen)


def _finding(scene: Scene, pod: Pod, policy: PeerAuthentication, seen: Handshake | None) -> Finding:
    meta, port = policy.metadata, scene.endpoint_dial.port
    subject = f"peerauthentication/{meta.name}"
    elsewhere = f" of namespace {meta.namespace}" if meta.namespace != pod.metadata.namespace else ""
    evidence: list[Evidence] = [
        field(scene, subject, "spec.mtls.mode", STRICT, f"{subject}{elsewhere} says {STRICT}")
    ]
    if seen:
        evidence.append(packet(scene, seen))
    return Finding(
        where=f"port {port} of pod/{pod.metadata.name}",
        says=f"{subject}{elsewhere} is {STRICT} for port {port}, and {scene.vantage.who} has no sidecar",
        headline=f"the mesh takes only mutual TLS ({subject}{elsewhere}), and {scene.vantage.who} is outside it",
        evidence=tuple(evidence),
        fix=Fix(
            summary=f"Give the client a sidecar, or set PERMISSIVE for port {port} of pod/{pod.metadata.name}"
        ),
    )
