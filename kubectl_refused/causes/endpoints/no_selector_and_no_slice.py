"""The Service has no selector, and nobody wrote endpoints for it.

Why it refuses:
    Without a selector no controller makes EndpointSlices. A slice made by hand counts only if its label
    kubernetes.io/service-name holds the Service's name (kubernetes issue 123954). With none, the Service has
    no endpoints and its ClusterIP is rejected; endpoints of one address family are none to the other.
Confirm:
    kubectl get endpointslices -l kubernetes.io/service-name=NAME    # No resources found
Fix:
    Give the Service a selector, or write an EndpointSlice that carries the label.
See:
    https://kubernetes.io/docs/concepts/services-networking/service/#services-without-selectors
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.objects import Service
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.proofs import field, service_subject


@cause("KR216", scope=Scope.ROUTE, produces=Symptom.NO_ENDPOINTS, since="0.1")
def no_selector_and_no_slice(scene: Scene) -> Iterator[Finding]:
    """Yield when the selector is empty and the slices were read and hold no endpoint."""
    service = scene.service
    if scene.from_files:
        return  # who writes such slices is mostly a controller, not the same manifests
    if service is None or scene.port is None or service.spec.selector or scene.endpoints:
        return
    if service.spec.type == "ExternalName" or not scene.snapshot.read("EndpointSlice", scene.target.namespace):
        return
    others = other_families(scene, service)
    kind = f"{scene.family} " if others else ""
    label = f"kubernetes.io/service-name={scene.target.name}"
    subject = service_subject(scene)
    yield Finding(
        where=f"svc/{scene.target.name}",
        says=f"spec.selector is empty, and no EndpointSlice with an {kind}endpoint carries {label}",
        headline=f"it has no selector, and no {kind}endpoints were written for it",
        evidence=(
            field(scene, subject, "spec.selector", None, "spec.selector is empty"),
            field(
                scene,
                f"endpointslices of {subject}",
                "metadata.labels",
                label,
                f"none with an {kind}endpoint has {label}",
            ),
        ),
        fix=Fix(summary=_remedy(scene, label, others)),
    )


def other_families(scene: Scene, service: Service) -> list[str]:
    """The address families of which endpoints were written for the Service, though none of this path's."""
    return sorted({s.address_type for s in scene.snapshot.slices_of(service) if s.endpoints})


def _remedy(scene: Scene, label: str, others: list[str]) -> str:
    if others:
        slice_ = f"an EndpointSlice of addressType {scene.family} with the label {label}"
        return f"Write {slice_}, or take {scene.family} out of spec.ipFamilies"
    return f"Give svc/{scene.target.name} a selector, or write an EndpointSlice with the label {label}"
