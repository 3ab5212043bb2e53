"""Read whatever may lead to a Service: one bounded page of each kind, side by side."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from kubectl_refused.model.entrances import Ingress
from kubectl_refused.model.gaps import Aside, Gap
from kubectl_refused.model.objects import Node
from kubectl_refused.model.snapshot import Change, fold
from kubectl_refused.model.target import Target
from kubectl_refused.trace.backwards import MOST_ENTRANCES, entrances_to

from .base import Source
from .calls import read_calls
from .cluster import ClusterSource
from .entrances import NETWORKING, listed
from .gateways import ROUTES, GatewayReads
from .openshift import every_route
from .reads import in_parallel, namespaced

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection

NOTHING = "no Ingress, route, load balancer, nodePort, hostPort, webhook or APIService leads to it"


class Backwards:
    """The Services asked about, each followed by its entrances. Reads of a Service tell what was not found out."""

    def __init__(self, source: Source, connection: Connection) -> None:
        self.origin = source.origin
        self._source, self._connection = source, connection
        self._told: dict[Target, tuple[Gap, ...]] = {}

    def read(self, target: Target) -> Iterable[Change]:
        """As the source does."""
        yield from self._source.read(target)
        yield from (Change(time.time(), gap=gap) for gap in self._told.get(target, ()))

    def expanded(self, targets: Sequence[Target]) -> tuple[Target, ...]:
        """Each Service with what leads to it. Raises Unreachable, CredentialsProblem or Cancelled."""
        return tuple(dict.fromkeys(one for target in targets for one in (target, *self._entrances(target))))

    def _entrances(self, target: Target) -> Iterator[Target]:
        snapshot = fold(_read(target, self._connection))
        found = entrances_to(target, snapshot)
        gaps = tuple(snapshot.gaps)
        if not found:
            gaps += (Aside(f"entrances of {target}", NOTHING),)
        if len(found) > MOST_ENTRANCES:
            more = f"only the first {MOST_ENTRANCES} were followed"
            gaps += (Gap(f"{len(found) - MOST_ENTRANCES} more entrances of {target}", more),)
        self._told[target] = gaps
        yield from found[:MOST_ENTRANCES]


def _read(target: Target, connection: Connection) -> list[Change]:
    ingresses = namespaced(target.namespace, "ingresses", group=NETWORKING)
    tasks = [
        partial(_list_of, ClusterSource(connection).read, target),
        partial(listed, connection, "Ingresses", ingresses, Ingress),
        partial(listed, connection, "Nodes", "/api/v1/nodes", Node),
        partial(_routes, connection, target),
        partial(every_route, connection, target.namespace),
        *(partial(_calls, connection, kind) for kind in ("Webhook", "APIService")),
    ]
    return [change for part in in_parallel(tasks) for change in part]


def _list_of(read: Any, target: Target) -> list[Change]:
    return list(read(target))


def _calls(connection: Connection, kind: Any) -> list[Change]:
    return list(read_calls(connection, Target("", "", None, kind), time.time))


def _routes(connection: Connection, target: Target) -> list[Change]:
    """Those of all namespaces, or of the Service's own where not all may be read."""
    reads = GatewayReads(connection, time.time)
    found: list[Change] = []
    for kind in ROUTES:
        of_all = reads.every(kind, "")
        found += of_all if not of_all or any(c.covered for c in of_all) else reads.every(kind, target.namespace)
    return found
