"""The node is a container, and its nodePort is not published on this machine.

Why it refuses:
    A node of kind or minikube is a container of Docker or Podman. Its nodePorts are open in that container, and
    localhost of this machine leads to it only at the ports that were published when it was made: kind's
    extraPortMappings, of which containerPort must be the Service's nodePort. A nodePort that Kubernetes chose by
    itself is another number in each cluster. Published ports of a container cannot be added later.
Confirm:
    docker port NODE    # against: kubectl get svc NAME
Fix:
    Write the mapping into kind-config.yaml and make the cluster anew with a nodePort of that number; until then
    kubectl port-forward svc/NAME.
See:
    https://kind.sigs.k8s.io/docs/user/configuration/#extra-port-mappings
    https://minikube.sigs.k8s.io/docs/handbook/accessing/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.containers import EngineContainer
from kubectl_refused.model.entrances import Entry
from kubectl_refused.model.evidence import Evidence, Finding, Fix, WitnessEvidence
from kubectl_refused.model.facts import HANDSHAKE
from kubectl_refused.model.objects import Node
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.target import HERE
from kubectl_refused.trace.entries import MINIKUBE
from kubectl_refused.trace.proofs import nearest_miss, packet

API_SERVER = 6443


@cause("KR839", scope=Scope.ENTRANCE, reads={HANDSHAKE}, produces=Symptom.RST, since="0.3")
def node_container_publishes_no_port(scene: Scene) -> Iterator[Finding]:
    """Yield when this machine gets no accept, and the node's container does not publish that nodePort there."""
    door, dial = scene.door, scene.door_dial
    if (
        not isinstance(door, Entry)
        or not isinstance(door.owner, Node)
        or dial is None
        or scene.vantage.key != HERE
    ):
        return
    container = scene.snapshot.objects.get(("EngineContainer", "", door.owner.metadata.name))
    seen = scene.maybe(HANDSHAKE, dial) if isinstance(container, EngineContainer) else None
    if not isinstance(container, EngineContainer) or seen is None or seen.outcome is Outcome.ACCEPTED:
        return
    published = _published(container)
    if published.get(door.number) == door.number:
        return
    name, told = container.called, _told(published)
    evidence: list[Evidence] = [
        WitnessEvidence(witness="docker inspect", subject=f"container {name}", says=f"it publishes {told}"),
        packet(scene, seen),
    ]
    at = published.get(door.number)
    stray = next((one for one in published if at is None and one != API_SERVER), None)
    if stray is not None:
        says = f"{published[stray]} here leads to {stray} there, which is no nodePort of svc/{door.service}"
        evidence.append(
            nearest_miss(scene, f"container {name}", "containerPort", str(door.number), str(stray), says)
        )
    yield Finding(
        where=f"container {name}",
        says=f"nodePort {door.number} is not published on this machine: {name} publishes {told}"
        if at is None
        else f"{name} publishes nodePort {door.number} at port {at} of this machine",
        headline=f"nodePort {door.number} is published at {at}, and {door.number} is dialled"
        if at
        else f"the node's container {name} does not publish nodePort {door.number}",
        evidence=tuple(evidence),
        fix=_fix(door, door.owner, at, stray, published),
    )


def _published(container: EngineContainer) -> Mapping[int, int]:
    """The port of this machine by the container's own, for TCP."""
    found: dict[int, int] = {}
    for key, places in (container.network_settings.ports or {}).items():
        number, _, protocol = key.partition("/")
        for place in places or ():
            if protocol == "tcp" and number.isdigit() and place.host_port.isdigit():
                found.setdefault(int(number), int(place.host_port))
    return found


def _told(published: Mapping[int, int]) -> str:
    return ", ".join(f"{at}->{inside}" for inside, at in list(published.items())[:5]) or "no port"


def _fix(door: Entry, node: Node, at: int | None, stray: int | None, published: Mapping[int, int]) -> Fix:
    if at is not None:
        return Fix(summary=f"Dial localhost:{at}")
    if MINIKUBE in (node.metadata.labels or {}):
        return Fix(summary=f"Open a way in: minikube service {door.service} -n {door.namespace} --url")
    host = published[stray] if stray is not None else door.number
    mapping = {"containerPort": door.number, "hostPort": host, "protocol": "TCP"}
    lines = f"extraPortMappings: [{{containerPort: {door.number}, hostPort: {host}, protocol: TCP}}]"
    instead = f", or set nodePort {stray} in svc/{door.service}" if stray is not None and stray >= 30000 else ""
    return Fix(
        summary=f"Put this under the node in kind-config.yaml and make the cluster anew: {lines}{instead}",
        patch={"nodes": [{"role": "control-plane", "extraPortMappings": [mapping]}]},
        owner="kind-config.yaml",
    )
