"""Find the object that has an address: a few bounded reads, of whatever may be read."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from kubectl_refused.model.objects import Node, Pod, Service
from kubectl_refused.model.target import Target
from kubectl_refused.trace.address_owners import Owners, named_in_cluster, owner_of
from kubectl_refused.trace.addresses import is_ip, is_loopback

from .decoding import decode
from .reads import ListRequest, Query, in_parallel, list_objects

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection

MOST_PAGES = 4


def owner_at(target: Target, connection: Connection) -> Target | None:
    """The object to ask about in place of a host and port; None where the cluster has nothing there.

    Raises what the connection raises.
    """
    return named_in_cluster(target) or owner_of(target, _known(target, connection))


def _known(target: Target, connection: Connection) -> Owners:
    at: Query = [("fieldSelector", f"status.podIP={target.name}")]
    ask_pods = is_ip(target.name) and not is_loopback(target.name)
    services, nodes, pods = in_parallel(
        [
            partial(_listed, connection, "Services", "/api/v1/services", Service),
            partial(_listed, connection, "Nodes", "/api/v1/nodes", Node),
            partial(_listed, connection, "Pods", "/api/v1/pods", Pod, at) if ask_pods else lambda: (),
        ]
    )
    return Owners(services, nodes, pods)


def _listed(connection: Connection, what: str, path: str, type_: type[Any], query: Query = ()) -> Sequence[Any]:
    """What may not be read is not there: then the address is a host's, as without a cluster."""
    request: ListRequest[Any] = ListRequest(
        what, path, lambda raw: decode(raw, type_), query, most_pages=MOST_PAGES
    )
    return list_objects(connection, request).items
