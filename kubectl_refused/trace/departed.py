"""Endpoints whose pod is gone: the slice still lists its address. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.model.evidence import ObjectEvidence
from kubectl_refused.model.facts import HOLDER, AddressKey
from kubectl_refused.model.observation import Holder
from kubectl_refused.model.scene import Endpoint, Scene

from .proofs import field

# Addresses whose holder is asked for: endpoints left over together are alike.
MOST_ASKED = 4


def departed(scene: Scene) -> Iterator[tuple[Endpoint, Holder]]:
    """(endpoint, who has its address now) for endpoints that name a pod which has that address no longer.

    A node's address may be that of a pod on its network, so it tells nothing. Raises Undecided while nobody asked.
    """
    unknown = [e for e in scene.ready_endpoints if e.target_name and e.pod is None]
    for endpoint in unknown[:MOST_ASKED]:
        holder = scene.maybe(HOLDER, AddressKey(endpoint.address))
        if holder is None or holder.kind == "Node":
            continue
        if (holder.kind, holder.name) != ("Pod", endpoint.target_name):
            yield endpoint, holder


def departure(scene: Scene, endpoint: Endpoint, holder: Holder) -> ObjectEvidence:
    """Whose the address is by the slice, and whose it is."""
    now = f"{holder.kind.lower()}/{holder.name} has it" if holder.kind else "nobody has it"
    says = f"lists {endpoint.address} as pod/{endpoint.target_name}; {now} now"
    return field(scene, f"endpointslice/{endpoint.slice_name}", "endpoints[]", endpoint.address, says)
