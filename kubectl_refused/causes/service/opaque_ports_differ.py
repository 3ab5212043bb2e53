"""Linkerd calls a port opaque by the pod and not by its Service, or vice versa.

Why it refuses:
    Linkerd's proxies look for HTTP in every connection, unless a port is called opaque. A client's proxy reads
    that from the Service, the pod's from the pod: where they differ, one waits for a protocol that the other does
    not speak. Protocols in which the server speaks first (MySQL, SMTP) hang or are reset; HTTP may still work.
Confirm:
    linkerd check --proxy    # "opaque ports are properly annotated"
Fix:
    Put the annotation config.linkerd.io/opaque-ports on both, or on the namespace.
See:
    https://linkerd.io/2/features/protocol-detection/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, cause
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.facts import NAMESPACE, NamespaceKey
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.linkerd_policies import DEFAULT_OPAQUE, OPAQUE, lists, opaque
from kubectl_refused.trace.mesh_policies import behind_mesh
from kubectl_refused.trace.proofs import field, nearest_miss


@cause("KR508", scope=Scope.ROUTE, reads={NAMESPACE}, since="0.3", note=True)
def opaque_ports_differ(scene: Scene) -> Iterator[Finding]:
    """Yield when the port is opaque by the pod's annotation and not by the Service's, or the other way round."""
    service = scene.service
    for _, endpoint, pod in behind_mesh(scene, "Linkerd"):
        if service is None or endpoint.port is None or scene.number is None:
            return
        space = scene.maybe(NAMESPACE, NamespaceKey(service.metadata.namespace))
        if space is None:
            return
        both = opaque(space.metadata, DEFAULT_OPAQUE)
        ours, theirs = opaque(service.metadata, both), opaque(pod.metadata, both)
        # A client's proxy knows the Service's port by its own number, and an endpoint's by the pod's.
        by_service = lists(ours, scene.number) or lists(ours, endpoint.port)
        if by_service == lists(theirs, endpoint.port):
            continue
        subject = f"svc/{service.metadata.name}"
        says = f"port {endpoint.port} is {'' if by_service else 'not '}opaque by {subject}, and by its pod "
        says += "not" if by_service else "it is"
        yield Finding(
            where=subject,
            says=says,
            evidence=(
                field(
                    scene, subject, f"metadata.annotations[{OPAQUE}]", ours, f"{subject} lists {ours or 'none'}"
                ),
                nearest_miss(
                    scene, f"pod/{pod.metadata.name}", OPAQUE, ours, theirs, f"the pod lists {theirs or 'none'}"
                ),
            ),
            fix=Fix(summary=f"Put the same {OPAQUE} on {subject} and on its pods, or on their namespace"),
        )
        return
