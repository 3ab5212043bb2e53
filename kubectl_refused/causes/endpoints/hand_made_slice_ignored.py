"""The data path ignores endpoints that no controller made.

Why it refuses:
    A Service without a selector gets its endpoints from an EndpointSlice by hand, whose endpoints name no pod
    (targetRef). kube-proxy forwards to them as to any other. Other data paths build their own tables: Istio's
    ztunnel made none for such slices (istio issue 60951), older Cilium none for Endpoints by hand (cilium issue
    12438). The endpoints accept, and the Service's address does not. No cluster of ours runs either: known from
    those issues.
Confirm:
    istioctl ztunnel-config services; cilium-dbg service list    # the Service is there, without backends
Fix:
    Upgrade Istio or Cilium, or give the Service a selector and let it find the pods.
See:
    https://github.com/istio/istio/issues/60951
    https://github.com/cilium/cilium/issues/12438
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, PODS_IN
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.data_paths import of_its_own
from kubectl_refused.trace.proofs import field, packet, service_subject

MOST_PROOFS = 2


@cause(
    "KR219",
    scope=Scope.ROUTE,
    reads={HANDSHAKE, PODS_IN},
    produces={Symptom.SILENCE, Symptom.REJECT, Symptom.RST},
    since="0.2",
    needs_symptom=True,
)
def hand_made_slice_ignored(scene: Scene) -> Iterator[Finding]:
    """Yield when endpoints by hand all accept, the ClusterIP does not, and Cilium or ztunnel forwards here."""
    service, dial, ready = scene.service, scene.entrance_dial, scene.ready_endpoints
    if service is None or service.spec.selector or dial is None or not ready or any(e.target_name for e in ready):
        return
    failed = scene.maybe(HANDSHAKE, dial)
    if failed is None or failed.outcome is Outcome.ACCEPTED:
        return
    behind = [scene.maybe(HANDSHAKE, scene.at_endpoint(e).endpoint_dial) for e in ready]
    reached = [seen for seen in behind if seen and seen.outcome is Outcome.ACCEPTED]
    if len(reached) < len(ready):
        return
    path = of_its_own(scene)
    if path is None:
        return
    name, pod = path
    subject = service_subject(scene)
    part = f"endpointslice/{ready[0].slice_name}"
    yield Finding(
        where=part,
        says=f"its endpoints name no pod, and {name} forwards here: all {len(ready)} accept, the ClusterIP not",
        headline=f"{name} does not forward to endpoints that were made by hand",
        # Nobody can look into its tables from here.
        certainty=Certainty.LIKELY,
        evidence=(
            field(scene, subject, "spec.selector", None, "the Service has no selector"),
            field(scene, part, "endpoints[].targetRef", None, "no endpoint has a targetRef"),
            field(scene, f"pod/{pod}", "metadata.labels", None, f"{pod} runs on the client's node"),
            packet(scene, failed),
            *(packet(scene, seen) for seen in reached[:MOST_PROOFS]),
        ),
        fix=Fix(summary=f"Upgrade {name}, or give svc/{scene.target.name} a selector that finds the pods"),
    )
