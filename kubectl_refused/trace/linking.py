"""Whose the addresses of an error text are: a Service, a pod (also one that is gone), a node, or nobody. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Pod, Service
from kubectl_refused.model.observation import Holder
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.resolve.error_places import Place

from .addresses import special
from .history import Gone, History, picks

_LOCAL = ("localhost", "localhost.localdomain", "ip6-localhost", "host.docker.internal")


class Link(NamedTuple):
    """What an address is: in words, and the Service meant, if any, with its port (empty for every port)."""

    means: str
    namespace: str = ""
    service: str = ""
    port: str = ""


@dataclass(frozen=True)
class Known:
    """What addresses are looked up in. `namespace` is that of bare names; `holders` were asked for one by one."""

    snapshot: Snapshot
    namespace: str = ""
    history: History = field(default_factory=History)
    holders: Mapping[str, Holder | Gap] = field(default_factory=dict)


def link(place: Place, known: Known) -> Link | None:
    """Whose the place is; None where nothing here has it."""
    if not is_address(place.host):
        return _by_name(place, known)
    if special(place.host):
        return Link(f"{special(place.host)}: the client asks itself, and nothing of the cluster")
    return _by_address(place, known)


def is_address(host: str) -> bool:
    """Whether it is an address; names have a letter that no address has, or no colon."""
    return ":" in host or host.replace(".", "").isdigit()


def unlinked(places: Iterable[Place], known: Known) -> list[str]:
    """The addresses that nothing here has: whom they belong to must be asked for."""
    asked = [p.host for p in places if is_address(p.host) and link(p, known) is None]
    return list(dict.fromkeys(asked))


def _by_address(place: Place, known: Known) -> Link | None:
    service = next(_services_at(place.host, known.snapshot), None)
    if service is not None:
        return _to(service, place.port)
    live = [one for one in known.snapshot.at(place.host) if isinstance(one, Pod)]
    if live:
        return _of_pod(live[0].metadata.namespace, live[0].metadata.name, place, known)
    for one in known.history.holders_at(place.host):
        if isinstance(one, Gone):
            return _of_gone(one, place, known)
    return _held(place, known)


def _services_at(address: str, snapshot: Snapshot) -> Iterator[Service]:
    """Those that have it as a cluster's, an external or a load balancer's address."""
    yield from (one for one in snapshot.at(address) if isinstance(one, Service))
    for service in snapshot.services():
        given = (*(service.spec.external_ips or ()), *(i.ip for i in service.status.load_balancer.ingress or ()))
        if address in given:
            yield service


def _to(service: Service, port: int) -> Link:
    meta = service.metadata
    return Link(f"svc/{meta.name}", meta.namespace, meta.name, str(port or ""))


def _of_pod(namespace: str, name: str, place: Place, known: Known) -> Link:
    """A pod's own address: the Service is the one that lists it as an endpoint, at the port that leads there."""
    for service in known.snapshot.services():
        if service.metadata.namespace != namespace:
            continue
        for part in known.snapshot.slices_of(service):
            listed = {address for end in part.endpoints or () for address in end.addresses or ()}
            if place.host in listed:
                found = [p.name or "" for p in part.ports or () if p.port == place.port]
                ports = [p.port for p in service.spec.ports or () if found and p.name == found[0]]
                return _to(service, ports[0] if ports else 0)._replace(means=f"pod/{name}")
    return Link(f"pod/{name}", namespace)


def _of_gone(gone: Gone, place: Place, known: Known) -> Link:
    """A pod that was there and is gone: the Service is one that selects such pods."""
    state = gone.state
    means = f"pod/{state.name}, gone after {gone.at:.1f} s" if gone.at >= 0 else f"pod/{state.name}, gone"
    for service in known.history.services.values():
        if picks(service, state):
            ports = [p.port for p in service.spec.ports or () if p.target_port in (place.port, str(place.port))]
            return _to(service, ports[0] if ports else 0)._replace(means=means)
    return Link(means, state.namespace)


def _held(place: Place, known: Known) -> Link | None:
    """What was asked for: objects of other namespaces, and nodes, where a port may be a Service's node port."""
    holder = known.holders.get(place.host)
    if not isinstance(holder, Holder) or not holder.kind:
        return None
    if holder.kind == "Service":
        return Link(f"svc/{holder.name}", holder.namespace, holder.name, str(place.port or ""))
    if holder.kind == "Pod":
        return Link(f"pod/{holder.name}", holder.namespace)
    for service in known.snapshot.services():
        for port in service.spec.ports or ():
            if place.port and port.node_port == place.port:
                return _to(service, port.port)._replace(means=f"node/{holder.name}, a node port")
    return Link(f"node/{holder.name}")


def _by_name(place: Place, known: Known) -> Link | None:
    """`web`, `web.shop`, `web.shop.svc`, `web-0.web.shop.svc.cluster.local`, or the host of an alias."""
    if place.host in _LOCAL:
        return Link("a loopback name: the client asks itself, and nothing of the cluster")
    labels = place.host.split(".")
    if "svc" in labels[2:4]:
        at = labels.index("svc", 2)
        service, namespace = labels[at - 2], labels[at - 1]
        pod = f"pod/{labels[0]}" if at == 3 else f"svc/{service}"
        return Link(pod, namespace, service, str(place.port or ""))
    if len(labels) == 2 and (found := known.snapshot.service(labels[1], labels[0])):
        return _to(found, place.port)
    if len(labels) == 1:
        return _by_word(place, known)
    return next((_to(one, place.port) for one in known.snapshot.services() if place.host in _hosts(one)), None)


def _by_word(place: Place, known: Known) -> Link | None:
    """A bare name is a Service of the client's namespace; of all namespaces only where one has it."""
    home = known.snapshot.service(known.namespace, place.host)
    every = [one for one in known.snapshot.services() if one.metadata.name == place.host]
    found = home or (every[0] if len(every) == 1 else None)
    return _to(found, place.port) if found else None


def _hosts(service: Service) -> tuple[str, ...]:
    given = (service.spec.external_name, *(i.hostname for i in service.status.load_balancer.ingress or ()))
    return tuple(host.lower().rstrip(".") for host in given if host)
