"""The Service has no selector, and nobody wrote endpoints for it.

Why it refuses:
    Without a selector no controller makes EndpointSlices. A slice made by hand counts only if its label
    kubernetes.io/service-name holds the Service's name (kubernetes issue 123954). With none, the Service has
    no endpoints and its ClusterIP is rejected; endpoints of one address family are none to the other.
Confirm:
    kubectl get endpointslices -l kubernetes.io/service-name=NAME    # No resources found
Fix:
    Label the slice that is there, write one that carries the label, or give the Service a selector.
See:
    https://kubernetes.io/docs/concepts/services-networking/service/#services-without-selectors
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.endpoint_slice import SERVICE_NAME, labelled, writer
from kubectl_refused.model.evidence import Finding, Fix, NearestEvidence
from kubectl_refused.model.facts import SERVICES_IN, SLICES_IN, NamespaceKey
from kubectl_refused.model.objects import EndpointSlice, Service
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.nearest import likeness
from kubectl_refused.trace.proofs import field, service_subject

LEAST_LIKENESS = 0.6  # below, the nearest slice is a stranger's


@cause(
    "KR216",
    scope=Scope.ROUTE,
    reads={SLICES_IN, SERVICES_IN},
    produces=Symptom.NO_ENDPOINTS,
    since="0.1",
    needs_symptom=True,
)
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
    subject, stray = service_subject(scene), _stray(scene)
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
            *([_miss(scene, stray)] if stray else []),
        ),
        fix=labelled(scene, stray) if stray else Fix(summary=_remedy(scene, label, others)),
    )


def _stray(scene: Scene) -> EndpointSlice | None:
    """The slice by hand that was probably meant: its label names no Service, its name or labels this one."""
    space = NamespaceKey(scene.target.namespace)
    parts = scene.maybe(SLICES_IN, space) or ()
    offers = [p for p in parts if p.endpoints and p.address_type == scene.family and not _kept(p)]
    if not offers:
        return None
    services = scene.maybe(SERVICES_IN, space)
    names = {one.metadata.name for one in services or ()}
    free = [p for p in offers if services is not None and _marked(p) not in names]
    best = max(free, key=lambda p: _likeness(scene, p), default=None)
    return best if best and _likeness(scene, best) >= LEAST_LIKENESS else None


def _kept(part: EndpointSlice) -> bool:
    """Whether a controller made the slice, which would take a changed label back."""
    return bool(writer(part)) or any(owner.controller for owner in part.metadata.owner_references or ())


def _marked(part: EndpointSlice) -> str:
    return (part.metadata.labels or {}).get(SERVICE_NAME, "")


def _likeness(scene: Scene, part: EndpointSlice) -> float:
    """How much the slice's labels or its name are like the Service's name, 0 to 1."""
    wanted, name = scene.target.name, part.metadata.name
    if name == wanted or name.startswith(f"{wanted}-"):
        return 1.0
    return max(likeness(wanted, value) for value in (name, *(part.metadata.labels or {}).values()))


def _miss(scene: Scene, part: EndpointSlice) -> NearestEvidence:
    found, wanted = _marked(part) or None, scene.target.name
    told = ", ".join(a for e in (part.endpoints or ())[:3] for a in e.addresses or ())
    says = f"it lists {told}; {SERVICE_NAME}: wanted {wanted}, found {found or 'no such label'}"
    subject = f"endpointslice/{part.metadata.name}"
    return NearestEvidence(
        witness="api server", subject=subject, says=says, differs={SERVICE_NAME: (wanted, found)}
    )


def other_families(scene: Scene, service: Service) -> list[str]:
    """The address families of which endpoints were written for the Service, though none of this path's."""
    return sorted({s.address_type for s in scene.snapshot.slices_of(service) if s.endpoints})


def _remedy(scene: Scene, label: str, others: list[str]) -> str:
    if others:
        slice_ = f"an EndpointSlice of addressType {scene.family} with the label {label}"
        return f"Write {slice_}, or take {scene.family} out of spec.ipFamilies"
    return f"Give svc/{scene.target.name} a selector, or write an EndpointSlice with the label {label}"
