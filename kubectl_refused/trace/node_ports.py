"""Services whose nodePort is a port that some process of the nodes uses as well. Pure."""

from __future__ import annotations

from kubectl_refused.model.facts import SERVICES_EVERYWHERE, SLICES_IN, ClusterKey, NamespaceKey
from kubectl_refused.model.objects import Service
from kubectl_refused.model.observation import Handshake
from kubectl_refused.model.scene import Scene

from .offenders import port_unreachable

_UNREACHABLE = frozenset({1, 3})  # types: RFC 4443, RFC 792


def rejected_by_its_host(seen: Handshake) -> bool:
    """Whether the very address that was dialled answered with ICMP port unreachable, which only a rule sends."""
    icmp = seen.icmp
    if icmp is None or not seen.first_hand or icmp.type not in _UNREACHABLE:
        return False
    return port_unreachable(icmp) and icmp.offender == seen.host


def holding(scene: Scene, port: int) -> tuple[Service, bool] | None:
    """The Service that has the nodePort, and whether it is known to have no endpoints; None without one.

    Raises Undecided while nobody looked.
    """
    services = scene.maybe(SERVICES_EVERYWHERE, ClusterKey()) or ()
    mine = (s for s in services if any(p.node_port == port and p.protocol == "TCP" for p in s.spec.ports or ()))
    service = next(mine, None)
    if service is None:
        return None
    slices = scene.maybe(SLICES_IN, NamespaceKey(service.metadata.namespace))
    if slices is None:
        return service, False
    name = service.metadata.name
    own = (s for s in slices if (s.metadata.labels or {}).get("kubernetes.io/service-name") == name)
    ready = any(e.conditions.ready is not False for part in own for e in part.endpoints or ())
    return None if ready else (service, True)
