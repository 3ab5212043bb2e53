"""A hostPort leads nowhere: no packet filter rule sends it on to the pod.

Why it refuses:
    Nothing listens on a hostPort. The network plugin writes a rule for it: portmap, a plugin of its own that must
    stand in the CNI configuration, or what the network has instead. Without it the field is taken without a word
    and the node refuses. With hostIP only that address is served, and not the others of the node.
Confirm:
    ls /etc/cni/net.d    # on the node: is "portmap" in the configuration?
Fix:
    Add portmap to the CNI configuration and make the pod anew; or use a nodePort, or hostNetwork.
See:
    https://www.cni.dev/plugins/current/meta/portmap/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.entrances import Entry
from kubectl_refused.model.evidence import Certainty, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.addresses import place
from kubectl_refused.trace.containers import containers
from kubectl_refused.trace.proofs import field, packet

_ANY = ("", "0.0.0.0", "::", None)


@cause("KR838", scope=Scope.ENTRANCE, reads={HANDSHAKE}, produces=Symptom.RST, since="0.3")
def host_port_not_forwarded(scene: Scene) -> Iterator[Finding]:
    """Yield when the node does not accept at the hostPort, while the pod itself does at the container's port."""
    door, dial = scene.door, scene.door_dial
    if not isinstance(door, Entry) or door.kind != "Pod" or dial is None or not scene.ready_endpoints:
        return
    pod, end = scene.snapshot.pod(door.namespace, door.service), scene.ready_endpoints[0]
    seen = scene.maybe(HANDSHAKE, dial)
    if pod is None or seen is None or seen.outcome is Outcome.ACCEPTED:
        return
    behind = scene.maybe(HANDSHAKE, scene.at_endpoint(end).endpoint_dial)
    if behind is None or behind.outcome is not Outcome.ACCEPTED:
        return
    bound, subject = _host_ip(pod, door.number), f"pod/{pod.metadata.name}"
    elsewhere = bound not in (*_ANY, door.address)
    told = f"hostIP is {bound}" if elsewhere else f"hostPort is {door.number}, which nothing sends on to the pod"
    yield Finding(
        where=f"{door.rule} of node/{door.owner.metadata.name}",
        says=f"{told}; {place(end.address, end.port or 0)} of {subject} accepts",
        headline=f"hostPort {door.number} is served at {bound} only"
        if elsewhere
        else f"hostPort {door.number} is not sent on to {subject}: the network plugin writes no rule for it",
        certainty=Certainty.PROVED if seen.outcome is Outcome.REFUSED else Certainty.LIKELY,
        evidence=(
            field(scene, subject, "spec.containers[].ports[].hostPort", door.number, told),
            packet(scene, seen),
            packet(scene, behind),
        ),
        fix=Fix(
            summary=f"Leave hostIP away, or dial {bound}"
            if elsewhere
            else "Add the portmap plugin to the nodes' CNI configuration, or use a nodePort"
        ),
    )


def _host_ip(pod: Pod, number: int) -> str | None:
    ports = (port for container in containers(pod) for port in container.ports or ())
    return next((port.host_ip for port in ports if port.host_port == number), None)
