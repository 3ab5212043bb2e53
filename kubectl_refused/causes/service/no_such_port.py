"""The Service has no such port.

Why it refuses:
    A ClusterIP answers on the ports in spec.ports and on no others. What a client of another port sees depends
    on the data path: kube-proxy in nftables mode rejects it (ICMP port unreachable, read as "refused"); in
    iptables mode the packet is not translated, leaves the node and usually times out. Both were seen on a
    Kubernetes 1.34 cluster.
Confirm:
    kubectl get service NAME -o jsonpath='{.spec.ports}'
Fix:
    Dial a port the Service has: its `port`, not its targetPort and not its nodePort.
See:
    https://kubernetes.io/docs/concepts/services-networking/service/#field-spec-ports
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Finding, Fix, NearestEvidence
from kubectl_refused.model.objects import ServicePort
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.nearest import nearest
from kubectl_refused.trace.proofs import field, nearest_miss, service_subject


@cause("KR106", scope=Scope.ROUTE, produces=Symptom.NO_PORT, since="0.1")
def no_such_port(scene: Scene) -> Iterator[Finding]:
    """Yield when a port was asked for that the Service does not list."""
    asked = scene.target.port
    if scene.service is None or scene.port is not None or asked is None:
        return
    if scene.service.spec.type == "ExternalName":
        return  # an alias maps no ports: which there are, the host behind it decides
    ports = scene.service.spec.ports or ()
    listed = ", ".join(_told(p) for p in ports) or "none"
    meant, because = _meant(asked, ports)
    summary = f"Dial port {meant.port}: {because}" if meant else f"Dial one of its ports: {listed}"
    subject = service_subject(scene)
    yield Finding(
        where=f"svc/{scene.target.name}",
        says=f"port {asked} is not listed; the Service has {listed}",
        headline=f"the Service has no port {asked}" + (f", it has {meant.port}" if meant else ""),
        evidence=(
            field(scene, subject, "spec.ports", [p.port for p in ports], f"spec.ports lists {listed}"),
            *([_miss(scene, asked, meant, because)] if meant else []),
        ),
        fix=Fix(summary=summary),
    )


def _meant(asked: str, ports: tuple[ServicePort, ...]) -> tuple[ServicePort | None, str]:
    """The listed port that was meant, and why it is thought so."""
    for port in ports:
        if asked == str(port.target_port):
            return port, f"{asked} is its targetPort, which only the pods know"
        if asked == str(port.node_port):
            return port, f"{asked} is its nodePort, which only the nodes answer"
    name = nearest(asked, (p.name for p in ports if p.name))
    by_name = next((p for p in ports if name and p.name == name), None)
    if by_name is not None:
        return by_name, f"{name} is the nearest name"
    return (ports[0], "it is the only one") if len(ports) == 1 else (None, "")


def _miss(scene: Scene, asked: str, meant: ServicePort, because: str) -> NearestEvidence:
    found = str(meant.port) if asked.isdecimal() else meant.name or str(meant.port)
    return nearest_miss(scene, service_subject(scene), "port", asked, found, f"{_told(meant)}: {because}")


def _told(port: ServicePort) -> str:
    name = f" ({port.name})" if port.name else ""
    return f"{port.port}{name}" + ("" if port.protocol == "TCP" else f"/{port.protocol}")
