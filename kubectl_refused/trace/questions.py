"""What a scene itself asks of the network, whatever the causes ask."""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.model.facts import HANDSHAKE, LOOKUP, Dial, NameKey, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Service
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import HERE, Depth, Target

from .aliases import alias_ports, inside, is_address
from .walks import walk_of

# Dials that a path asks for by itself. All are arguments of one probe: in IPv6 20 kB, of the 2 MB that Linux takes
# (execve(2)) and the 1.5 MB that etcd does. Where they accept they take half a second.
MOST_ENDPOINTS = 500


def dns_name(scene: Scene) -> str:
    """The Service's name as a pod of any namespace resolves it through its search list."""
    return f"{scene.target.name}.{scene.target.namespace}.svc"


def questions(scene: Scene) -> Iterator[Need]:
    """The name, the entrance, each endpoint that gets traffic, whose address an unknown rejecter has, and where
    a dial failed which policies there are that nobody here evaluates."""
    if not scene.target.is_service:
        yield from walk_of(scene.target).questions(scene)
        return
    if scene.from_files or scene.service is None or scene.number is None or not scene.is_dialled:
        return
    from .offenders import unnamed_offenders  # loads what policies are
    from .other_policies import asked_for

    if scene.vantage.key != HERE:  # a machine outside does not ask the cluster's DNS
        yield Need(LOOKUP, NameKey(dns_name(scene), scene.vantage.key))
    if scene.door and scene.door.url:
        yield Need(LOOKUP, NameKey(scene.door.url.partition("/")[0], scene.vantage.key))
    if scene.door_dial:
        yield Need(HANDSHAKE, scene.door_dial)
    if scene.entrance_dial:
        yield Need(HANDSHAKE, scene.entrance_dial)
    for endpoint in scene.ready_endpoints[:MOST_ENDPOINTS]:
        assert endpoint.port is not None
        yield Need(HANDSHAKE, Dial(endpoint.address, endpoint.port, scene.vantage.key))
    yield from unnamed_offenders(scene)
    yield from asked_for(scene)


def not_walked(target: Target, snapshot: Snapshot, depth: Depth = Depth.PODS) -> Iterator[Gap]:
    """Parts of a target that no scene covers: aliases without a port to dial, ports that are not TCP."""
    if not target.is_service:
        yield from walk_of(target).not_walked(target, snapshot, depth)
        return
    service = snapshot.service(target.namespace, target.name)
    if service is None:
        return
    if service.spec.type == "ExternalName":
        yield from _alias_not_walked(target, service, depth)
    elif not service.spec.ports:
        yield Gap(f"svc/{target.name}", "it lists no ports, so there is nothing to dial")
    for port in service.spec.ports or ():
        asked = target.port in (None, str(port.port), port.name)
        if asked and port.protocol != "TCP":
            ask = "" if target.port or port.protocol != "UDP" else f"ask about svc/{target.name}:{port.port}"
            yield Gap(f"port {port.port}/{port.protocol}", "only TCP is dialled", ask)


def _alias_not_walked(target: Target, service: Service, depth: Depth) -> Iterator[Gap]:
    """Where an ExternalName leads, and how to ask about that where no scene of ours does."""
    alias = service.spec.external_name or ""
    leads = inside(alias)
    if leads is not None:
        port = f":{target.port}" if target.port else ""
        ask = f"{target.kubectl} refused svc/{leads.name}{port} -n {leads.namespace}"
        yield Gap(alias, "an ExternalName is an alias; what it leads to is a Service to ask about by itself", ask)
    elif is_address(alias):
        yield Gap(alias, "an ExternalName is a name to DNS: an address there is not resolved, and was not dialled")
    elif depth is Depth.NONE:
        yield Gap(alias, "an ExternalName leads out of the cluster and is not dialled")
    elif not alias_ports(target, service):
        lists = f"svc/{target.name} lists no TCP port" + (f" named {target.port}" if target.port else "")
        because = f"{lists} and an ExternalName has none of its own, so nothing was dialled"
        ask = f"{target.kubectl} refused svc/{target.name}:PORT -n {target.namespace} --dial-any"
        yield Gap(alias, because, ask)
