"""The client is not in loadBalancerSourceRanges: the load balancer drops it.

Why it refuses:
    Where spec.loadBalancerSourceRanges is set, kube-proxy drops on every node what comes to the load balancer's
    address from anybody else (chain KUBE-PROXY-FIREWALL, in nftables mode firewall-check), pods included: they
    time out. ClusterIP and nodePort are not subject to it. Seen on Kubernetes 1.34 in both modes.
Confirm:
    kubectl get service NAME -o jsonpath='{.spec.loadBalancerSourceRanges}'    # against the client's address
Fix:
    Add the client's range to loadBalancerSourceRanges, or have clients of the cluster dial the Service's name.
See:
    https://kubernetes.io/docs/concepts/services-networking/service/#loadbalancer
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_address, ip_network

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, Dial
from kubectl_refused.model.objects import Service
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.proofs import field, packet, service_subject, source_address

MOST_ADDRESSES = 2
# Whoever is named is who complains; a probe that stands for anybody is not meant by the ranges.
_NAMED = frozenset({"client", "stand-in", "here"})


@cause("KR317", scope=Scope.ROUTE, reads={HANDSHAKE}, produces=Symptom.SILENCE, since="0.2", needs_symptom=True)
def load_balancer_excludes_client(scene: Scene) -> Iterator[Finding]:
    """Yield when the client's address is in no range and the load balancer's address gives it no answer."""
    service, port, dial = scene.service, scene.port, scene.entrance_dial
    if service is None or port is None or dial is None or scene.vantage.kind not in _NAMED:
        return
    ranges = service.spec.load_balancer_source_ranges or ()
    addresses = [a for a in balanced(service) if (":" in a) == (scene.family == "IPv6")]
    inside = scene.maybe(HANDSHAKE, dial)
    if not ranges or not addresses or inside is None or inside.outcome is not Outcome.ACCEPTED:
        return  # where the ClusterIP fails too, something else does
    client = source_address(scene, inside) or scene.vantage.address
    if not client or holds(ranges, client):
        return
    asked = (scene.maybe(HANDSHAKE, Dial(a, port.port, scene.vantage.key)) for a in addresses[:MOST_ADDRESSES])
    silent = [seen for seen in asked if seen and seen.first_hand and seen.outcome is Outcome.TIMEOUT]
    if not silent:
        return
    subject, told = service_subject(scene), ", ".join(ranges[:4])
    says = f"loadBalancerSourceRanges is {told}; {scene.vantage.who} has {client}"
    yield Finding(
        where=f"{silent[0].host}:{port.port} of {subject}",
        says=says,
        headline=f"its load balancer's address drops {client}, which is not in loadBalancerSourceRanges",
        # That it drops this client is certain; that the client goes this way, and not by the name, is not.
        certainty=Certainty.LIKELY,
        evidence=(
            field(scene, subject, "spec.loadBalancerSourceRanges", list(ranges), says),
            *(packet(scene, seen) for seen in silent),
            packet(scene, inside),
        ),
        fix=Fix(
            summary=f"Add {client} to loadBalancerSourceRanges, or dial the Service's name inside the cluster"
        ),
    )


def balanced(service: Service) -> list[str]:
    """The load balancer's addresses for which the nodes answer."""
    given = service.status.load_balancer.ingress or ()
    return [one.ip for one in given if one.ip and one.ip_mode != "Proxy"]


def holds(ranges: Iterable[str], address: str) -> bool:
    """Whether a range holds the address; one that cannot be read may."""
    try:
        known = ip_address(address)
        return any(known in ip_network(one.strip(), strict=False) for one in ranges)
    except ValueError:
        return True
