"""Endpoints written by hand list their port under another name than the Service.

Why it refuses:
    kube-proxy joins a Service port to the port of that name and protocol in the EndpointSlice; the number plays
    no part, and the name of an only port may be empty in both, never in one (kubernetes issue 123954). Where none
    has it, the port has no endpoints and its ClusterIP is rejected, though the addresses are all there. Endpoints
    are mirrored into such slices, names included. Slices of Services with a selector get their names right.
Confirm:
    kubectl get endpointslices -l kubernetes.io/service-name=NAME -o jsonpath='{..ports}'
Fix:
    Give the slice's port (or that of the Endpoints object) the name and protocol of the Service's port.
See:
    https://kubernetes.io/docs/concepts/services-networking/service/#services-without-selectors
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.endpoint_slice import CONTROLLER, slice_port_change, source_of_slice, writer
from kubectl_refused.model.evidence import Finding, NearestEvidence
from kubectl_refused.model.objects import EndpointSlice, ServicePort, SlicePort
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.nearest import likeness
from kubectl_refused.trace.proofs import field, service_subject
from kubectl_refused.trace.scenes import slice_port


@cause("KR217", scope=Scope.ROUTE, produces=Symptom.NO_ENDPOINTS, since="0.2", needs_symptom=True)
def slice_port_name_differs(scene: Scene) -> Iterator[Finding]:
    """Yield when slices written by hand hold addresses, and none the Service port's name and protocol."""
    service, port = scene.service, scene.port
    if service is None or port is None or service.spec.selector or service.spec.cluster_ip == "None":
        return  # of a headless Service the addresses alone are used
    filled = [s for s in scene.slices if s.endpoints and s.ports and writer(s) != CONTROLLER]
    if not filled or any(slice_port(part, port) is not None for part in scene.slices):
        return
    part, index = _nearest(filled, port, taken=[p.name for p in service.spec.ports or () if p is not port])
    offered = (part.ports or ())[index]
    key, wanted, found = _clash(port, offered)
    source = source_of_slice(scene, part.metadata.name)
    told = ", ".join(_told(p.name, p.port, p.protocol) for p in part.ports or ())
    mine = _told(port.name, port.port, port.protocol)
    yield Finding(
        where=source,
        says=f"the Service's port is {mine}; {source} lists {told}",
        headline=_headline(key, wanted, found),
        evidence=(
            field(scene, service_subject(scene), "spec.ports[]", port.name, f"its port is {mine}"),
            field(scene, source, "ports", told, f"its ports: {told}"),
            NearestEvidence(
                witness="api server",
                subject=source,
                says=f"port {key}: wanted {wanted or 'none'}, found {found or 'none'}",
                differs={key: (wanted, found)},
            ),
        ),
        fix=slice_port_change(scene, part, index, key=key, value=wanted),
    )


def _nearest(parts: Sequence[EndpointSlice], port: ServicePort, taken: Sequence[str]) -> tuple[EndpointSlice, int]:
    """The slice and the place in its ports that was probably meant: free, the number aimed at, the name."""
    offers = [(part, index, offered) for part in parts for index, offered in enumerate(part.ports or ())]

    def fitness(offer: tuple[EndpointSlice, int, SlicePort]) -> tuple[bool, bool, float]:
        name, number = offer[2].name or "", offer[2].port
        return name not in taken, number in (port.target_port, port.port), likeness(port.name, name)

    part, index, _ = max(offers, key=fitness)
    return part, index


def _clash(port: ServicePort, offered: SlicePort) -> tuple[str, str, str]:
    """(field, the Service's value, the slice's value)."""
    if (offered.name or "") != port.name:
        return "name", port.name, offered.name or ""
    return "protocol", port.protocol, offered.protocol or "TCP"


def _headline(key: str, wanted: str, found: str) -> str:
    if key == "protocol":
        return f"its endpoints list a {found} port, the Service's port is {wanted}"
    mine = f"the Service calls it {wanted}" if wanted else "the Service's port has no name"
    return (
        f"its endpoints call the port {found}, {mine}" if found else f"its endpoints give the port no name, {mine}"
    )


def _told(name: str | None, number: int | None, protocol: str | None) -> str:
    """`http (80/TCP)`."""
    return f"{name or 'unnamed'} ({number}/{protocol or 'TCP'})"
