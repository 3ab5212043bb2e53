"""An AuthorizationPolicy of Istio's does not let the client in.

Why it refuses:
    The sidecar accepts first and judges then: what a DENY matches, and where there are ALLOW policies what none of
    them matches, it hangs up on, or answers 403 (RBAC: access denied). One without rules lets nobody in. A client
    outside the mesh has no identity, so that no rule by namespace or principal is for it.
Confirm:
    kubectl get authorizationpolicy -o yaml    # also those of istio-system, which hold for the whole mesh
Fix:
    Add a rule that lets the client in, or narrow the policy that denies.
See:
    https://istio.io/latest/docs/reference/config/security/authorization-policy/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, MESH, PODS_IN
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Handshake
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.mesh_policies import (
    DENY,
    Denial,
    behind_mesh,
    client_of,
    denial,
    is_named,
    shut,
    told_to,
    unread,
)
from kubectl_refused.trace.proofs import field, packet


@cause("KR504", scope=Scope.ROUTE, reads={HANDSHAKE, MESH, PODS_IN}, produces=Symptom.RESET, since="0.3")
def mesh_authorization_denies(scene: Scene) -> Iterator[Finding]:
    """Yield when the policies keep everybody out; or this client, if it was named or was seen to be turned away.

    What could not be judged of a policy makes it likely only, and only where a denial was seen.
    """
    for view, endpoint, pod in behind_mesh(scene, "Istio"):
        told, seen = told_to(scene, pod.metadata.namespace), view.dialled
        if endpoint.port is None:
            continue
        found = denial(told, pod, endpoint.port, client_of(scene, seen)) if told else None
        if found and (found.everybody or shut(seen) or (found.sure and is_named(scene))):
            yield _finding(view, pod, found, seen if shut(seen) else None)
            return
        unread(scene, pod.metadata.namespace, seen)


def _finding(scene: Scene, pod: Pod, found: Denial, seen: Handshake | None) -> Finding:
    meta, who = found.policy.metadata, "anybody" if found.everybody else scene.vantage.who
    subject = f"authorizationpolicy/{meta.name}"
    elsewhere = f" of namespace {meta.namespace}" if meta.namespace != pod.metadata.namespace else ""
    denies = found.policy.spec.action == DENY
    says = f"{subject}{elsewhere} {'denies' if denies else 'does not let in'} {who}"
    says += "" if denies or found.policy.spec.rules else ": it has no rules"
    evidence: list[Evidence] = [field(scene, subject, "spec.rules", None, says)]
    if seen:
        evidence.append(packet(scene, seen))
    port = scene.endpoint_dial.port
    return Finding(
        where=f"port {port} of pod/{pod.metadata.name}",
        says=says,
        headline=says,
        certainty=Certainty.PROVED if found.sure else Certainty.LIKELY,
        evidence=tuple(evidence),
        fix=Fix(summary=f"{'Narrow' if denies else 'Add a rule for the client to'} {subject}{elsewhere}"),
    )
