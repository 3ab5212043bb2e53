"""Nodes: one request for each of a few, one for all of many."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound
from kubectl_refused.model.facts import NODE, NODES, Fact, Need
from kubectl_refused.model.gaps import Absent, Gap
from kubectl_refused.model.objects import Node
from kubectl_refused.model.target import Depth
from kubectl_refused.probes.base import Learnt, ProbeContext, Right
from kubectl_refused.sources.decoding import OddObject, decode
from kubectl_refused.sources.reads import Listing, ListRequest, each, gap_of, list_objects, segment
from kubectl_refused.text import one_line

MOST_SINGLE_READS = 4  # more nodes than this are read as one page
ONE_PAGE = 500


class NodeReads:
    """Reads nodes by name."""

    name = "node-reads"
    order = 0
    depth = Depth.NONE
    facts: frozenset[Fact[Any]] = frozenset({NODE, NODES})
    rights: tuple[Right, ...] = (Right("get", "nodes"), Right("list", "nodes"))

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[Learnt]:
        """Read for all needs at once; the subject of each is a NodeKey, or the ClusterKey of NODES."""
        context.say("reading nodes")
        named = [need for need in needs if need.fact is NODE]
        return [*_named(named, context), *((need, _all(context)) for need in needs if need.fact is NODES)]


def _named(needs: Sequence[Need], context: ProbeContext) -> Iterable[Learnt]:
    if len(needs) <= MOST_SINGLE_READS:
        names = [need.subject.name for need in needs]
        return list(zip(needs, each(partial(_get, context), names), strict=True))
    listing = list_nodes(context)
    by_name = {node.metadata.name: node for node in listing.items}
    return [(need, by_name.get(need.subject.name) or _missing(need, listing)) for need in needs]


def _all(context: ProbeContext) -> tuple[Node, ...] | Gap:
    listing = list_nodes(context)
    return listing.items if listing.read else listing.gaps[-1]


def list_nodes(context: ProbeContext) -> Listing[Node]:
    """The first page of nodes. Raises Unreachable, CredentialsProblem or Cancelled."""
    request: ListRequest[Node] = ListRequest(
        "Nodes", "/api/v1/nodes", lambda raw: decode(raw, Node), page_size=ONE_PAGE, most_pages=1
    )
    return list_objects(context.connection, request)


def _get(context: ProbeContext, name: str) -> Node | Gap:
    what = f"node/{name}"
    try:
        return decode(context.connection.get_bytes(f"/api/v1/nodes/{segment(name)}"), Node)
    except NotFound as error:
        return Absent(what, error.message)
    except (Forbidden, ApiProblem) as error:
        return gap_of(error, what)
    except OddObject as error:
        return Gap(what, f"it does not read as a node: {one_line(str(error))}")


def _missing(need: Need, listing: Listing[Node]) -> Gap:
    what = f"node/{need.subject.name}"
    if not listing.read:
        refused = listing.gaps[-1]
        return Gap(what, refused.because, refused.remedy)
    if listing.complete:
        return Absent(what, "there is no node of that name")
    return Gap(what, f"it is not among the {ONE_PAGE} nodes that were read")
