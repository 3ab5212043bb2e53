"""Linkerd's Server has no authorization: its proxy lets nobody reach the port.

Why it refuses:
    A Server describes one port of some pods, and from then on only who is authorized reaches it. Where no
    AuthorizationPolicy and no ServerAuthorization is for it, the proxy accepts and hangs up, or answers 403 (and
    kubelet's probes of that port fail, too, but for those that Linkerd knows).
Confirm:
    kubectl get server,authorizationpolicy.policy.linkerd.io,serverauthorization
    linkerd viz authz deploy/NAME
Fix:
    Create an AuthorizationPolicy whose targetRef is the Server, or set its accessPolicy.
See:
    https://linkerd.io/2/reference/authorization-policy/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Evidence, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, MESH
from kubectl_refused.model.mesh import MeshObjects, Server
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Handshake
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.linkerd_policies import admits_everybody, authorizations, server_of
from kubectl_refused.trace.mesh_policies import behind_mesh, shut, told_to, unread
from kubectl_refused.trace.nearest import nearest
from kubectl_refused.trace.proofs import field, nearest_miss, packet


@cause("KR509", scope=Scope.ROUTE, reads={HANDSHAKE, MESH}, produces=Symptom.RESET, since="0.3")
def mesh_server_admits_nobody(scene: Scene) -> Iterator[Finding]:
    """Yield when a Server is for the endpoint's port, and nothing authorizes anybody to reach it."""
    for view, endpoint, pod in behind_mesh(scene, "Linkerd"):
        told, seen = told_to(scene, pod.metadata.namespace), view.dialled
        unread(scene, pod.metadata.namespace, seen)
        server = server_of(told, pod, endpoint.port or 0) if told else None
        if told is None or told.unread or server is None or admits_everybody(server):
            continue
        if not authorizations(told, server):
            yield _finding(view, pod, server, _aims(told), seen)
            return


def _aims(told: MeshObjects) -> Sequence[str]:
    """The names of Servers that authorizations are for, which may be slips."""
    old = [one.spec.server.name or "" for one in told.server_authorizations]
    new = [one.spec.target_ref.name for one in told.linkerd_authorizations]
    return [name for name in (*old, *new) if name]


def _finding(scene: Scene, pod: Pod, server: Server, aims: Sequence[str], seen: Handshake | None) -> Finding:
    subject, port = f"server/{server.metadata.name}", scene.endpoint_dial.port
    says = f"{subject} is for port {port}, and no authorization is for it"
    evidence: list[Evidence] = [field(scene, subject, "spec.port", server.spec.port, says)]
    near = nearest(server.metadata.name, aims)
    if near:
        told = f"one is for server/{near}"
        evidence.append(nearest_miss(scene, "authorizationpolicy", "targetRef", server.metadata.name, near, told))
    if seen is not None and shut(seen):
        evidence.append(packet(scene, seen))
    return Finding(
        where=f"port {port} of pod/{pod.metadata.name}",
        says=says + (f"; one is for server/{near}" if near else ""),
        headline=f"Linkerd lets nobody reach port {port}: no authorization is for {subject}",
        evidence=tuple(evidence),
        fix=Fix(summary=f"Create an AuthorizationPolicy whose targetRef is {subject}, or set its accessPolicy"),
    )
