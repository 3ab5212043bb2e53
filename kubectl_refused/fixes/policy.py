"""Changes of a NetworkPolicy that let a client through: a rule added, or a field of one amended."""

from __future__ import annotations

import json
from typing import Any, Literal

from kubectl_refused.model.evidence import Fix
from kubectl_refused.model.objects import Labels, NetworkPolicy
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.near_rules import NearRule

from .change import change
from .requests import request

NAME_LABEL = "kubernetes.io/metadata.name"


def allow(
    scene: Scene, policy: NetworkPolicy, direction: Literal["ingress", "egress"], rule: dict[str, Any]
) -> Fix:
    """Add `rule` to the policy; a JSON patch, as merge patches would replace the whole list of rules."""
    rules = policy.spec.ingress if direction == "ingress" else policy.spec.egress
    path, value = (f"/spec/{direction}/-", rule) if rules else (f"/spec/{direction}", [rule])
    operations = [{"op": "add", "path": path, "value": value}]
    metadata = policy.metadata
    return change(
        scene,
        "NetworkPolicy",
        metadata,
        summary=f"Allow {direction} {_whom(policy, direction, rule)} on port {_numbers(rule)}",
        patch={"spec": {direction: [rule]}},
        verb=("patch", "--type", "json", "-p", json.dumps(operations, separators=(",", ":"))),
        sent=request("NetworkPolicy", metadata.namespace, metadata.name, operations),
    )


def pods(policy: NetworkPolicy, namespace: str, labels: Labels | None = None) -> dict[str, Any]:
    """The peer of a rule that is the pods with these labels (all without) of a namespace.

    A podSelector alone means the policy's own namespace (networking/v1 NetworkPolicyPeer), and every namespace
    carries its name as a label since Kubernetes 1.21.
    """
    peer: dict[str, Any] = {"podSelector": {"matchLabels": dict(labels)} if labels else {}}
    if namespace != policy.metadata.namespace:
        peer["namespaceSelector"] = {"matchLabels": {NAME_LABEL: namespace}}
    return peer


def _numbers(rule: dict[str, Any]) -> str:
    return " and ".join(str(entry["port"]) for entry in rule["ports"])


def _whom(policy: NetworkPolicy, direction: Literal["ingress", "egress"], rule: dict[str, Any]) -> str:
    """`from the pods of this namespace`, `to the pods of the Service in namespace shop`."""
    peer = rule["from" if direction == "ingress" else "to"][0]
    other = peer.get("namespaceSelector", {}).get("matchLabels", {}).get(NAME_LABEL, "")
    if direction == "ingress":
        labels = peer["podSelector"].get("matchLabels") or {}
        who = f"pods with {', '.join(f'{key}={value}' for key, value in labels.items())}" if labels else "the pods"
        return f"from {who} of {f'namespace {other}' if other else 'this namespace'}"
    return "to the pods of the Service" + (f" in namespace {other}" if other else "")


def amended(scene: Scene, near: NearRule) -> Fix:
    """The one part of a rule put right that does not fit."""
    return amend(scene, near.policy, near.path, near.value, summary=near.summary, verb=near.verb)


def amend(
    scene: Scene, policy: NetworkPolicy, path: str, value: Any, *, summary: str, verb: str = "replace"
) -> Fix:
    """Set one field of the policy by a JSON patch; `path` is its JSON pointer, `/spec/ingress/0/ports/0/port`."""
    operations = [{"op": verb, "path": path, "value": value}]
    metadata = policy.metadata
    return change(
        scene,
        "NetworkPolicy",
        metadata,
        summary=summary,
        patch={path: value},
        verb=("patch", "--type", "json", "-p", json.dumps(operations, separators=(",", ":"))),
        sent=request("NetworkPolicy", metadata.namespace, metadata.name, operations),
    )
