"""Whom an address belongs to: a Service, a node or a live pod; what was read already is asked first.

Nodes are read as one page. Pods and Services are asked for by address while there are few, which the API
server can select by (pkg/apis/core/v1/conversion.go: status.podIP, spec.clusterIP; both only know an object's
first address), and read as one page each where there are many. So the number of requests has a bound:
1 + 2 × MOST_SELECTED for few addresses, 3 + 2 × MOST_SELECTED for any number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from ipaddress import ip_address, ip_network
from typing import Any

from msgspec import Struct, field

from kubectl_refused.model.facts import HOLDER, Fact, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Node, Pod, Service
from kubectl_refused.model.observation import Holder
from kubectl_refused.model.target import Depth
from kubectl_refused.probes.base import Learnt, ProbeContext, Right
from kubectl_refused.probes.node_reads import list_nodes
from kubectl_refused.sources.decoding import decode
from kubectl_refused.sources.reads import Listing, ListRequest, Query, in_parallel, list_objects, namespaced

MOST_SELECTED = 4  # addresses asked for one by one
ONE_PAGE = 500
FEW = 50


class Seen(Struct, frozen=True):
    """What one kind's objects tell: the holder of each address, and the Gap where not all could be read."""

    holders: Mapping[str, Holder] = field(default_factory=dict)
    gap: Gap | None = None


class HolderReads:
    """Finds out whose an address is."""

    name = "holder-reads"
    order = 0
    depth = Depth.NONE
    facts: frozenset[Fact[Any]] = frozenset({HOLDER})
    rights: tuple[Right, ...] = (Right("list", "nodes"), Right("list", "pods"), Right("list", "services"))

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[Learnt]:
        """Ask for all addresses at once; the subject of each need is an AddressKey."""
        context.say("finding out whose addresses these are")
        found = holders_of(context, [need.subject.address for need in needs])
        return [(need, found[need.subject.address]) for need in needs]


def holders_of(context: ProbeContext, addresses: Iterable[str]) -> dict[str, Holder | Gap]:
    """The holder of each address; Holder() where it is nobody's, a Gap where rights do not let us know.

    A network's or a host network pod's address is its node's. Raises what ends a run.
    """
    plain = {address: canonical(address) for address in addresses}
    known: dict[str, Holder | Gap] = {**known_holders(context)}
    asked = [one for one in dict.fromkeys(plain.values()) if one and one not in known]
    found = {**known, **_ask(context, asked)} if asked else known
    return {address: _named(address, found.get(one)) for address, one in plain.items()}


@lru_cache(maxsize=4096)
def canonical(address: str) -> str:
    """The shortest spelling of an address, an IPv4 one out of its IPv6 form; empty where it is none."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""
    mapped = getattr(parsed, "ipv4_mapped", None)
    return str(mapped or parsed)


def known_holders(context: ProbeContext) -> dict[str, Holder]:
    """What the objects that were read already tell, without a request."""
    objects = context.snapshot.objects.values()
    nodes = [value for value in context.facts.known.values() if isinstance(value, Node)]
    return {
        **of_pods(one for one in objects if isinstance(one, Pod)),
        **of_nodes(nodes),
        **of_services(one for one in objects if isinstance(one, Service)),
    }


def of_pods(pods: Iterable[Pod]) -> dict[str, Holder]:
    """Holders by the addresses of live pods."""
    found: dict[str, Holder] = {}
    for pod in pods:
        found.update((address, _pod_holder(pod)) for address in pod_addresses(pod))
    return found


def pod_addresses(pod: Pod) -> tuple[str, ...]:
    """Every address of the pod; a finished pod keeps its own in its status, though another may have it by now."""
    status = pod.status
    if status is None or status.phase in ("Succeeded", "Failed"):
        return ()
    given = (status.pod_ip or "", *(each.ip for each in status.pod_ips or ()))
    return tuple(dict.fromkeys(one for one in map(canonical, given) if one))


def of_nodes(nodes: Iterable[Node]) -> dict[str, Holder]:
    """Holders by the nodes' own addresses and those of their pod gateways."""
    return {
        address: Holder("Node", "", node.metadata.name)
        for node in nodes
        for address in (*_node_addresses(node), *gateways(node))
    }


def gateways(node: Node) -> tuple[str, ...]:
    """The node's addresses in its own pod ranges.

    The first host's is the bridge's (host-local, kubenet); flannel's tunnel has the range's own first address.
    """
    found: list[str] = []
    for cidr in node.spec.pod_cidrs or (node.spec.pod_cidr or "",):
        try:
            network = ip_network(cidr, strict=False)
        except ValueError:
            continue
        found += [str(network.network_address), str(network.network_address + 1)]
    return tuple(found)


def of_services(services: Iterable[Service]) -> dict[str, Holder]:
    """Holders by the Services' cluster addresses."""
    found: dict[str, Holder] = {}
    for service in services:
        meta = service.metadata
        for address in (service.spec.cluster_ip or "", *(service.spec.cluster_ips or ())):
            if canonical(address):
                found[canonical(address)] = Holder("Service", meta.namespace, meta.name)
    return found


def _pod_holder(pod: Pod) -> Holder:
    if pod.spec.host_network and pod.spec.node_name:
        return Holder("Node", "", pod.spec.node_name)
    return Holder("Pod", pod.metadata.namespace, pod.metadata.name)


def _node_addresses(node: Node) -> tuple[str, ...]:
    found = (canonical(each.address) for each in node.status.addresses or ())
    return tuple(one for one in found if one)


def _ask(context: ProbeContext, addresses: Sequence[str]) -> dict[str, Holder | Gap]:
    """Everything side by side; of many addresses the pages first, then some of the rest one by one."""
    nodes = partial(_nodes, context)
    if len(addresses) <= MOST_SELECTED:
        return _judged(addresses, in_parallel([*_selected(context, addresses), nodes]))
    pages = in_parallel([partial(_pods, context), partial(_services, context), nodes])
    found = _judged(addresses, pages)
    rest = [one for one, holder in found.items() if isinstance(holder, Gap)][:MOST_SELECTED]
    return {**found, **_judged(rest, [*in_parallel(_selected(context, rest)), pages[-1]])}


def _selected(context: ProbeContext, addresses: Sequence[str]) -> list[Callable[[], Seen]]:
    return [partial(ask, context, one) for one in addresses for ask in (_pods, _services)]


def _nodes(context: ProbeContext) -> Seen:
    listing = list_nodes(context)
    return Seen(of_nodes(listing.items), _gap(listing))


def _pods(context: ProbeContext, address: str = "") -> Seen:
    """All namespaces; where that is forbidden the target's own may show whose it is, never that it is nobody's."""
    listing = _list_pods(context, "/api/v1/pods", address)
    if listing.read:
        return Seen(of_pods(listing.items), _gap(listing))
    near = _list_pods(context, namespaced(context.target.namespace, "pods"), address)
    return Seen(of_pods(near.items), _gap(listing))


def _list_pods(context: ProbeContext, path: str, address: str) -> Listing[Pod]:
    query = [("fieldSelector", f"status.podIP={address}")] if address else []
    request: ListRequest[Pod] = ListRequest(
        "Pods", path, lambda raw: decode(raw, Pod), query, FEW if address else ONE_PAGE, 1
    )
    return list_objects(context.connection, request)


def _services(context: ProbeContext, address: str = "") -> Seen:
    query: Query = [("fieldSelector", f"spec.clusterIP={address}")] if address else []
    request: ListRequest[Service] = ListRequest(
        "Services", "/api/v1/services", lambda raw: decode(raw, Service), query, ONE_PAGE, 1
    )
    listing = list_objects(context.connection, request)
    return Seen(of_services(listing.items), _gap(listing))


def _gap(listing: Listing[Any]) -> Gap | None:
    """Why something may be missing from a listing."""
    if not listing.read:
        return listing.gaps[-1]
    return None if listing.complete else Gap("", f"only the first {len(listing.items)} of a kind were read")


def _judged(addresses: Iterable[str], sights: Sequence[Seen]) -> dict[str, Holder | Gap]:
    """Each address by what was seen: a holder, nobody where all was read, or the Gap that leaves it open."""
    found = _together(sights)
    nobody = next((sight.gap for sight in sights if sight.gap), Holder())
    return {address: found.get(address, nobody) for address in addresses}


def _together(sights: Iterable[Seen]) -> dict[str, Holder]:
    """One answer from all kinds: a node's or Service's word before a pod's."""
    found: dict[str, Holder] = {}
    for sight in sights:
        for address, holder in sight.holders.items():
            if address not in found or found[address].kind == "Pod":
                found[address] = holder
    return found


def _named(address: str, holder: Holder | Gap | None) -> Holder | Gap:
    what = f"whom {address} belongs to"
    if holder is None:
        return Gap(what, "it is no IP address")
    return Gap(what, holder.because, holder.remedy) if isinstance(holder, Gap) else holder
