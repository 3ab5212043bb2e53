"""What a node's kernel is set to do with packets, where a vantage stands on the node's own network. Pure."""

from __future__ import annotations

from kubectl_refused.model.evidence import WitnessEvidence
from kubectl_refused.model.facts import NODE_SETTINGS, NodeView
from kubectl_refused.model.observation import NodeSettings
from kubectl_refused.model.scene import Endpoint, Scene


def settings_of(scene: Scene, node: str) -> NodeSettings | None:
    """The node's settings; None where nobody stands there or they cannot be read. Raises Undecided."""
    for place in (scene, *scene.siblings):
        if node and place.vantage.kind == "node" and place.vantage.node == node:
            return scene.maybe(NODE_SETTINGS, NodeView(node, place.vantage.key))
    return None


def node_of(endpoint: Endpoint) -> str:
    """Where an endpoint's pod runs, as far as the objects tell."""
    return (endpoint.pod.spec.node_name if endpoint.pod else "") or endpoint.node


def passed_by(scene: Scene, endpoint: Endpoint) -> tuple[str, ...]:
    """The nodes that must forward a packet of the client to the endpoint; what is their own they do not."""
    mine = scene.vantage.node if scene.vantage.is_pod else ""
    theirs = "" if endpoint.pod and endpoint.pod.spec.host_network else node_of(endpoint)
    if scene.vantage.kind == "node" and theirs == scene.vantage.node:
        theirs = ""
    return tuple(dict.fromkeys(node for node in (mine, theirs) if node))


def setting_told(node: str, settings: NodeSettings, says: str) -> WitnessEvidence:
    """A setting as evidence."""
    witness = f"{settings.witness} (the network of {node})"
    return WitnessEvidence(witness=witness, subject=f"node/{node}", says=says)
