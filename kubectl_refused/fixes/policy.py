"""The rule that would let a client through a NetworkPolicy."""

from __future__ import annotations

import json
from typing import Any, Literal

from kubectl_refused.model.evidence import Fix
from kubectl_refused.model.objects import NetworkPolicy
from kubectl_refused.model.scene import Scene

from .change import change
from .requests import request


def allow(
    scene: Scene, policy: NetworkPolicy, direction: Literal["ingress", "egress"], rule: dict[str, Any]
) -> Fix:
    """Add `rule` to the policy; a JSON patch, as merge patches would replace the whole list of rules."""
    rules = policy.spec.ingress if direction == "ingress" else policy.spec.egress
    path, value = (f"/spec/{direction}/-", rule) if rules else (f"/spec/{direction}", [rule])
    operations = [{"op": "add", "path": path, "value": value}]
    metadata = policy.metadata
    whom = "from the pods of this namespace" if direction == "ingress" else "to the pods of the Service"
    return change(
        scene,
        "NetworkPolicy",
        metadata,
        summary=f"Allow {direction} {whom} on port {rule['ports'][0]['port']}",
        patch={"spec": {direction: [rule]}},
        verb=("patch", "--type", "json", "-p", json.dumps(operations, separators=(",", ":"))),
        sent=request("NetworkPolicy", metadata.namespace, metadata.name, operations),
    )
