"""A kernel setting of a node stops packets that it should pass on.

Why it refuses:
    A node is the router of its pods. With net.ipv4.ip_forward=0 it drops what is not its own, without a word: its
    pods reach nobody through it and nobody reaches them, while the node itself and its host-network pods get
    everywhere and are reached (seen; another tool's sysctl.d file or a security baseline writes it). Some network
    plugins set it to 1 again whenever they add a pod (seen with ptp), and so it comes and goes. With
    net.bridge.bridge-nf-call-iptables=0 packets between two pods of one bridge skip the Service's rules: a backend
    on the client's own node answers from the wrong address, and only this pair gets a timeout by the Service's
    address (seen). rp_filter=1 alone broke nothing on a cluster whose routes are symmetrical (seen).
Confirm:
    kubectl refused svc/NAME --from pod/CLIENT --from every-node --host-network    # reads them without privilege
    sysctl net.ipv4.ip_forward net.bridge.bridge-nf-call-iptables    # on the node
Fix:
    Set it to 1 on that node, and in /etc/sysctl.d so that it stays.
See:
    https://kubernetes.io/docs/setup/production-environment/container-runtimes/
    https://docs.kernel.org/networking/ip-sysctl.html
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, NODE_SETTINGS
from kubectl_refused.model.observation import Handshake, NodeSettings, Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.node_settings import node_of, passed_by, setting_told, settings_of
from kubectl_refused.trace.proofs import packet
from kubectl_refused.trace.rulings import suspects

_BRIDGE = "net.bridge.bridge-nf-call-iptables"


@cause(
    "KR305",
    scope=Scope.ROUTE,
    reads={HANDSHAKE, NODE_SETTINGS},
    produces=Symptom.SILENCE,
    since="0.2",
    needs_symptom=True,
)
def node_settings_stop_packets(scene: Scene) -> Iterator[Finding]:
    """Yield when a silent dial had to be passed on by a node whose settings, read there, say that it does not."""
    if scene.from_files or scene.port is None:
        return
    told: set[str] = set()
    for view in suspects(scene):
        seen = view.dialled
        if seen is None or seen.outcome is not Outcome.TIMEOUT or not seen.first_hand or view.endpoint is None:
            continue
        for node in passed_by(view, view.endpoint):
            settings = settings_of(view, node)
            if settings is not None and _forwards(view, settings) is False and node not in told:
                told.add(node)
                yield _not_forwarding(view, seen, node, settings)
    entrance = scene.maybe(HANDSHAKE, scene.entrance_dial) if scene.entrance_dial else None
    if entrance is not None and entrance.outcome is Outcome.TIMEOUT and scene.vantage.is_pod:
        yield from _bridge_skips(scene, entrance)


def _forwards(scene: Scene, settings: NodeSettings) -> bool | None:
    return settings.forwards_v6 if scene.family == "IPv6" else settings.forwards


def _not_forwarding(scene: Scene, seen: Handshake, node: str, settings: NodeSettings) -> Finding:
    name = "net.ipv6.conf.all.forwarding" if scene.family == "IPv6" else "net.ipv4.ip_forward"
    return Finding(
        where=f"node/{node}",
        says=f"{node} forwards nothing: {name} is 0",
        headline=f"{node} forwards no packets of pods: {name} is 0",
        evidence=(setting_told(node, settings, f"{name} = 0"), packet(scene, seen)),
        fix=Fix(summary=f"Set {name} to 1 on {node} (sysctl -w {name}=1), and in its /etc/sysctl.d"),
    )


def _bridge_skips(scene: Scene, entrance: Handshake) -> Iterator[Finding]:
    """The Service's address is silent, pods of the client's own node are behind it, and answer by their own."""
    node = scene.vantage.node
    mine = [e for e in scene.ready_endpoints if node_of(e) == node]
    behind = [scene.handshake(scene.at_endpoint(e).endpoint_dial) for e in mine]
    reached = [h for h in behind if h and h.outcome is Outcome.ACCEPTED]
    settings = settings_of(scene, node) if reached and len(reached) == len(mine) else None
    if settings is None or settings.bridged is not False:
        return
    by_node = [s for s in scene.siblings if s.vantage.kind == "node" and s.vantage.node == node]
    works = [(s, h) for s in by_node if (h := s.handshake(s.entrance_dial)) and h.outcome is Outcome.ACCEPTED]
    yield Finding(
        where=f"node/{node}",
        says=f"packets between two pods of {node} skip the Service's rules: {_BRIDGE} is 0",
        headline=f"pods of {node} cannot reach each other through it: {_BRIDGE} is 0",
        # That the node itself gets an answer by that address shows that its service proxy is there.
        certainty=Certainty.PROVED if works else Certainty.LIKELY,
        evidence=(
            setting_told(node, settings, f"{_BRIDGE} = 0"),
            packet(scene, entrance),
            packet(scene, reached[0]),
            *(packet(s, h) for s, h in works[:1]),
        ),
        fix=Fix(summary=f"Set {_BRIDGE} to 1 on {node} (sysctl -w {_BRIDGE}=1), and in its /etc/sysctl.d"),
    )
