"""Whose an address or a cluster's DNS name is: the object to ask about instead. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from msgspec import Struct

from kubectl_refused.model.objects import Node, Pod, Service
from kubectl_refused.model.target import Target
from kubectl_refused.patterns import lazily

from .addresses import is_loopback
from .entries import sound

DOMAIN = ["cluster", "local"]  # of nearly every cluster; names of another domain are taken for hosts
_LABEL = lazily(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_FAMILIES = {"localhost": "127.0.0.1", "localhost.localdomain": "127.0.0.1", "ip6-localhost": "::1"}


class Owners(Struct, frozen=True):
    """What was read of a cluster; `pods` are those that have one of the addresses asked about."""

    services: Sequence[Service] = ()
    nodes: Sequence[Node] = ()
    pods: Sequence[Pod] = ()


def named_in_cluster(target: Target) -> Target | None:
    """The Service of `db.shop.svc` and `db.shop.svc.cluster.local`, or the pod of `db-0.db.shop.svc`."""
    labels = target.name.rstrip(".").split(".")
    if "svc" not in labels[2:4]:
        return None
    at = labels.index("svc", 2)
    if labels[at + 1 :] not in ([], DOMAIN) or not all(map(_LABEL.fullmatch, labels)):
        return None
    if at == 3:
        return replace(target, name=labels[0], namespace=labels[2], kind="Pod", scheme="", path="")
    return replace(target, name=labels[0], namespace=labels[1], kind="Service", scheme="", path="")


def owner_of(target: Target, known: Owners) -> Target | None:
    """What has the address, asked about at the same port; None where nothing of the cluster has it.

    A Service's own address before a node's: some load balancers are nodes (k3s), at the Service's ports.
    """
    plain = replace(target, scheme="", path="")
    if is_loopback(target.name):
        return _at_loopback(plain, known)
    for service in known.services:
        meta = service.metadata
        if target.name in (service.spec.cluster_ip, *(service.spec.cluster_ips or ())):
            return replace(plain, name=meta.name, namespace=meta.namespace, kind="Service")
        ports = {str(port.port) for port in service.spec.ports or ()}
        if target.name in _balanced(service) and target.port in ports:
            return replace(plain, name=meta.name, namespace=meta.namespace, kind="LoadBalancer", port=None)
    return _of_node(plain, known) or _of_pod(plain, known)


def _balanced(service: Service) -> Iterator[str]:
    for one in service.status.load_balancer.ingress or ():
        yield from filter(None, (one.ip, (one.hostname or "").lower().rstrip(".")))


def _of_node(plain: Target, known: Owners) -> Target | None:
    for node in known.nodes:
        if any(address.address == plain.name for address in node.status.addresses or ()):
            return replace(plain, name=node.metadata.name, kind="Node", host=plain.name)
    return None


def _of_pod(plain: Target, known: Owners) -> Target | None:
    """A pod on its node's network has the node's address, and is found there; one that has ended has none."""
    for pod in known.pods:
        status = pod.status
        if status is None or status.phase in ("Succeeded", "Failed"):
            continue
        if plain.name in (status.pod_ip, *(one.ip for one in status.pod_ips or ())):
            return replace(plain, name=pod.metadata.name, namespace=pod.metadata.namespace, kind="Pod")
    return None


def _at_loopback(plain: Target, known: Owners) -> Target | None:
    """A nodePort at localhost: people expect it of a cluster on their own machine."""
    ports = (port for service in known.services for port in service.spec.ports or ())
    if not any(str(port.node_port) == plain.port and port.protocol == "TCP" for port in ports):
        return None
    node = next(_best(known.nodes), None)
    host = _FAMILIES.get(plain.name, plain.name or "127.0.0.1")
    return replace(plain, name=node.metadata.name, kind="Node", host=host) if node else None


def _best(nodes: Iterable[Node]) -> Iterator[Node]:
    """Ready nodes first, of these the control plane: kind and minikube publish that one's ports."""
    role = "node-role.kubernetes.io/control-plane"
    yield from sorted(nodes, key=lambda n: (not sound(n), role not in (n.metadata.labels or {}), n.metadata.name))
