"""Addresses in front of a Service: a node's at a nodePort or hostPort, and a load balancer's. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from kubectl_refused.model.entrances import Entry
from kubectl_refused.model.facts import Dial
from kubectl_refused.model.objects import Node, Pod, Service, ServicePort
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import Target

from .addresses import special
from .containers import containers

MOST_BALANCED = 4
# What was read when every nodePort was: no kind of the API's, as of those Services nothing else was kept.
NODE_PORTS = "NodePort"
MINIKUBE = "minikube.k8s.io/name"


def entry_doors(target: Target, snapshot: Snapshot) -> Iterator[Entry]:
    """Those of a node at the port asked for, or of a load balancer for each TCP port of its Service."""
    if target.kind == "Node":
        node, number = node_of(target, snapshot), int(target.port or 0)
        if node is not None:
            yield from _of_node(node, number, target.host, snapshot)
        return
    service = snapshot.service(target.namespace, target.name)
    if service is not None and service.spec.type == "LoadBalancer":
        yield from _of_balancer(service)


def node_of(target: Target, snapshot: Snapshot) -> Node | None:
    """The node asked about, None where it was not read."""
    found = snapshot.objects.get(("Node", "", target.name))
    return found if isinstance(found, Node) else None


def node_address(node: Node, *, ipv6: bool = False) -> str:
    """The address of the family that its cluster knows it by, else one that outsiders do; empty for none."""
    of_family = [a for a in node.status.addresses or () if (":" in a.address) == ipv6]
    known = {a.type: a.address for a in reversed(of_family)}
    return known.get("InternalIP") or known.get("ExternalIP", "")


def node_ports(snapshot: Snapshot) -> Iterator[tuple[Service, ServicePort]]:
    """Every TCP port of a Service that was read and has a nodePort."""
    for service in snapshot.services():
        for port in service.spec.ports or ():
            if port.node_port and port.protocol == "TCP":
                yield service, port


def host_ports(pod: Pod) -> Iterator[tuple[int, int]]:
    """(hostPort, containerPort) of the pod's TCP ports; on the node's network the container opens it itself."""
    for container in () if pod.spec.host_network else containers(pod):
        for port in container.ports or ():
            if port.host_port and port.protocol == "TCP":
                yield port.host_port, port.container_port


def bare_dials(scene: Scene) -> tuple[Dial, ...]:
    """A node's address and the port asked for, where no Service and no pod has that port."""
    node = node_of(scene.target, scene.snapshot) if scene.target.kind == "Node" else None
    if node is None or scene.from_files:
        return ()
    address = scene.target.host or node_address(node) or node_address(node, ipv6=True)
    return (Dial(address, int(scene.target.port or 0), scene.vantage.key),) if address else ()


def _of_node(node: Node, number: int, typed: str, snapshot: Snapshot) -> Iterator[Entry]:
    for service, port in node_ports(snapshot):
        if port.node_port == number:
            address = typed or node_address(node, ipv6=_is_ipv6(service)) or node_address(node)
            meta = service.metadata
            yield Entry(
                owner=node, field="", host="", path="", namespace=meta.namespace, service=meta.name,
                port=port.port, address=address, number=number,
            )  # fmt: skip
    for pod in (one for one in snapshot.objects.values() if isinstance(one, Pod)):
        for host_port, inside in host_ports(pod) if pod.spec.node_name == node.metadata.name else ():
            if host_port == number:
                yield Entry(
                    owner=node, field="", host="", path="", namespace=pod.metadata.namespace,
                    service=pod.metadata.name, port=inside, kind="Pod",
                    address=typed or node_address(node), number=number,
                )  # fmt: skip


def _is_ipv6(service: Service) -> bool:
    return tuple(service.spec.ip_families or ())[:1] == ("IPv6",)


def _of_balancer(service: Service) -> Iterator[Entry]:
    given = [one.ip or one.hostname or "" for one in service.status.load_balancer.ingress or ()]
    meta = service.metadata
    for port in service.spec.ports or ():
        for address in given[:MOST_BALANCED] or [""] if port.protocol == "TCP" else ():
            yield Entry(
                owner=service, field="status.loadBalancer", host="", path="", namespace=meta.namespace,
                service=meta.name, port=port.port, address=address, number=port.port,
            )  # fmt: skip


def sound(node: Node) -> bool:
    """Whether the node says that it is ready."""
    return any(c.type == "Ready" and c.status == "True" for c in node.status.conditions or ())


def family_missing(door: Entry, service: Service) -> str:
    """The family of the address that was dialled, where the Service lacks it; empty else."""
    family = "IPv6" if ":" in door.address else "IPv4"
    has = service.spec.ip_families or ()
    return family if door.address and has and family not in has else ""


def nodes_with_endpoints(service: Service, snapshot: Snapshot) -> frozenset[str]:
    """The nodes on which an endpoint of the Service gets traffic."""
    ends = (end for part in snapshot.slices_of(service) for end in part.endpoints or ())
    return frozenset(end.node_name for end in ends if end.node_name and end.conditions.ready is not False)


def lacks_local_endpoint(door: Entry, snapshot: Snapshot) -> bool:
    """Whether the node drops what comes from outside, as the Service's policy keeps it there and it has nobody."""
    service = snapshot.service(door.namespace, door.service)
    if service is None or not isinstance(door.owner, Node) or service.spec.external_traffic_policy != "Local":
        return False
    having = nodes_with_endpoints(service, snapshot)
    return bool(having) and door.owner.metadata.name not in having


def is_container(node: Node) -> bool:
    """Whether the node is a container of an engine, as those of kind and minikube are, under the node's name."""
    return (node.spec.provider_id or "").startswith("kind://") or MINIKUBE in (node.metadata.labels or {})


def as_dialled(door: Entry, *, here: bool) -> Entry:
    """The door as one vantage dials it: a loopback address is this machine's own, others take the node's."""
    if here or not isinstance(door.owner, Node) or not special(door.address):
        return door
    return replace(door, address=node_address(door.owner))
