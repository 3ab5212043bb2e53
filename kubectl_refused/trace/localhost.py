"""What port-forward tells of a pod whose sockets cannot be read, as it dials localhost in there. Pure."""

from __future__ import annotations

from msgspec import Struct

from kubectl_refused.model.facts import FORWARD, HANDSHAKE, LOG, SEARCH, ContainerKey
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Handshake, Outcome, Search
from kubectl_refused.model.scene import Scene, pod_port

from .candidate_ports import app_ports
from .containers import containers
from .statuses import reported, seconds

# Seconds after a start in which a server may come up between two dials, so that they cannot be compared.
JUST_STARTED = 5.0
# Logs read for the ports that they name; a pod of more containers is rare, and a log is a request each.
MOST_LOGS = 4


class Found(Struct, frozen=True):
    """The port that the app is probably on instead, and the search that found it."""

    port: int
    search: Search


def searched(scene: Scene, pod: Pod, refused: Handshake) -> Search | None:
    """The search for other ports, where localhost refuses the port as the pod's address does.

    Pods made alike are alike: only the first of those that refuse is searched. Raises Undecided until it is done;
    logs are read first, as they name ports.
    """
    for container in containers(pod)[:MOST_LOGS]:
        scene.maybe(LOG, ContainerKey(pod.metadata.namespace, pod.metadata.name, container.name))
    aimed = scene.maybe(FORWARD, pod_port(pod, refused.port))
    if aimed is None or aimed.outcome is not Outcome.REFUSED or _searched_elsewhere(scene, pod):
        return None
    return scene.maybe(SEARCH, pod_port(pod, refused.port))


def found_port(scene: Scene, pod: Pod, refused: Handshake) -> Found | None:
    """The likeliest of the ports that accepted at localhost; None where none but side doors did."""
    search = searched(scene, pod, refused)
    ports = app_ports(pod, search.accepted) if search else ()
    return Found(ports[0], search) if search and ports else None


def _searched_elsewhere(scene: Scene, pod: Pod) -> bool:
    """Whether an endpoint before this one refuses too, at localhost as well, in a pod of the same containers."""
    for endpoint in scene.ready_endpoints:
        other = endpoint.pod
        if other is None or endpoint.port is None:
            continue
        if other.metadata.name == pod.metadata.name:
            return False
        seen = scene.known(HANDSHAKE, scene.at_endpoint(endpoint).endpoint_dial)
        inside = scene.known(FORWARD, pod_port(other, endpoint.port))
        both = [h for h in (seen, inside) if h and h.outcome is Outcome.REFUSED]
        if len(both) == 2 and other.spec.containers == pod.spec.containers:
            return True
    return False


def refused_in_both_families(handshake: Handshake) -> bool:
    """Whether the runtime tells of localhost in IPv4 and IPv6: neither family has a listener there.

    containerd names both (seen on 1.6); socat of other runtimes dials IPv4 alone.
    """
    low = handshake.detail.lower()
    return handshake.outcome is Outcome.REFUSED and "tcp4" in low and "tcp6" in low


def not_comparable(scene: Scene, pod: Pod) -> str:
    """Why localhost may differ from the pod's address for another reason, as one clause; empty where it cannot.

    The proxies dial the first address. A socket for the other family accepts at localhost, and in a pod with
    addresses of one family at nothing else.
    """
    if len((pod.status.pod_ips if pod.status else None) or ()) > 1:
        return "the pod has addresses of both families, and may listen on one of them"
    starts = (r.status.state.running.started_at for r in reported(pod) if r.status.state.running)
    latest = max((s for s in map(seconds, starts) if s is not None), default=None)
    young = latest is not None and 0 <= scene.snapshot.taken - latest < JUST_STARTED
    return "its container has just started" if young else ""
