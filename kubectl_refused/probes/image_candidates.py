"""Which images a probe pod of one client may try: one read of the nodes, then image_order.py decides."""

from __future__ import annotations

import msgspec

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound
from kubectl_refused.decoders import decoded
from kubectl_refused.model.objects import Pod
from kubectl_refused.probes.base import ProbeContext
from kubectl_refused.probes.clients import Client
from kubectl_refused.probes.image_order import in_order, own_images
from kubectl_refused.probes.images import Choice, ImageNode
from kubectl_refused.sources.reads import segment

MOST_NODES_READ = 100


def candidates(context: ProbeContext, client: Client) -> list[Choice]:
    """The images to try for a pod of `client`, the best first; at least one, at most four.

    One request: the client's node, or one page of nodes where any will do; none when an image is given.
    """
    settings = context.settings
    if settings.image:
        return in_order(settings.image, None)
    own = own_images(_pods(context, client), client.node)
    nodes = _one_node(context, client.node) if client.node else _some_nodes(context)
    return in_order("", nodes, own, prefix=settings.image_prefix, pinned=bool(client.node))


def _pods(context: ProbeContext, client: Client) -> list[Pod]:
    """The client pod, whose image is on its node for sure, then the pods read on the target's path."""
    own = [client.pod] if client.pod else []
    return [*own, *context.snapshot.pods(context.target.namespace)]


def _one_node(context: ProbeContext, name: str) -> list[ImageNode] | None:
    try:
        node = _node(context.connection.get_bytes(f"/api/v1/nodes/{segment(name)}"))
    except (Forbidden, NotFound, ApiProblem):
        return None
    return [node] if node else None


def _some_nodes(context: ProbeContext) -> list[ImageNode] | None:
    try:
        # One page: thousands of nodes with 50 images each are 100 MB, and a few tell enough.
        page = next(context.connection.list_items("/api/v1/nodes", page_size=MOST_NODES_READ), [])
    except (Forbidden, NotFound, ApiProblem):
        return None
    return [node for raw in page if (node := _node(raw))]


def _node(raw: msgspec.Raw | bytes) -> ImageNode | None:
    try:
        return decoded(raw, ImageNode)
    except msgspec.DecodeError:
        return None
