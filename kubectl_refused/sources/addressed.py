"""Read what has an address in front of Services: a node with the nodePorts and hostPorts, or a load balancer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Node, Pod, Service
from kubectl_refused.model.snapshot import Change, Coverage
from kubectl_refused.model.target import Target
from kubectl_refused.text import one_line
from kubectl_refused.trace.entries import NODE_PORTS, host_ports, is_container

from .cluster import ClusterSource
from .decoding import OddObject, decode
from .reads import ListRequest, gap_of, in_parallel, list_objects, segment

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection

MOST_PAGES = 4
Now = Callable[[], float]


def read_addressed(connection: Connection, target: Target, now: Now) -> Iterator[Change]:
    """Yield Changes for the node, for Services with nodePorts of all namespaces and for its pods with that
    hostPort; or for the load balancer's Service.

    What is missing is coverage without an object. Raises Unreachable, CredentialsProblem or Cancelled.
    """
    if target.kind == "LoadBalancer":
        yield from ClusterSource(connection, now).read(Target(target.name, target.namespace))
        return
    tasks = (_node, _services, _pods)
    for part in in_parallel([partial(task, connection, target, now) for task in tasks]):
        yield from part


def _node(connection: Connection, target: Target, now: Now) -> list[Change]:
    covered = Change(now(), covered=Coverage("Node", "", f"metadata.name={target.name}"))
    try:
        found = decode(connection.get_bytes(f"/api/v1/nodes/{segment(target.name)}"), Node)
        return [Change(now(), value=found), covered, *_container(found)]
    except NotFound:
        return [covered]
    except (Forbidden, ApiProblem) as error:
        return [Change(now(), gap=gap_of(error, f"node/{target.name}"))]
    except OddObject as error:
        why = f"it does not read as one: {one_line(str(error))}"
        return [Change(now(), gap=Gap(f"node/{target.name}", why))]


def _container(node: Node) -> list[Change]:
    """That which the node is, where it is one on this machine."""
    if not is_container(node):
        return []
    from kubectl_refused.engine.node_container import read_node_container

    return read_node_container(node.metadata.name)


def _services(connection: Connection, target: Target, now: Now) -> list[Change]:
    """Those that have a nodePort, and what is left unread of them."""
    request: ListRequest[Any] = ListRequest(
        "Services", "/api/v1/services", lambda raw: decode(raw, Service), most_pages=MOST_PAGES
    )
    listing = list_objects(connection, request)
    having = [one for one in listing.items if any(port.node_port for port in one.spec.ports or ())]
    found = [Change(now(), value=one) for one in having] + [Change(now(), gap=gap) for gap in listing.gaps]
    if listing.complete:
        found.append(Change(now(), covered=Coverage(NODE_PORTS, "")))
    return found


def _pods(connection: Connection, target: Target, now: Now) -> list[Change]:
    """The node's pods that have the hostPort; who may not list pods of all namespaces loses these."""
    query = [("fieldSelector", f"spec.nodeName={target.name}")]
    request: ListRequest[Any] = ListRequest(
        "Pods", "/api/v1/pods", lambda raw: decode(raw, Pod), query, most_pages=1
    )
    wanted = int(target.port or 0)
    listing = list_objects(connection, request)
    mine = [pod for pod in listing.items if any(port == wanted for port, _ in host_ports(pod))]
    return [Change(now(), value=pod) for pod in mine] + [Change(now(), gap=gap) for gap in listing.gaps]
