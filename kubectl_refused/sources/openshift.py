"""Read OpenShift's Routes, from a cluster that has them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.openshift import ROUTE_GROUP, OpenShiftRoute
from kubectl_refused.model.snapshot import Change, Coverage
from kubectl_refused.model.target import Target
from kubectl_refused.text import one_line

from .decoding import OddObject, decode
from .reads import gap_of, namespaced

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection

VERSION = f"{ROUTE_GROUP}/v1"
Now = Callable[[], float]


def read_route(connection: Connection, target: Target, now: Now) -> list[Change]:
    """The Route by its name."""
    coverage = Change(now(), covered=Coverage(target.kind, target.namespace, f"metadata.name={target.name}"))
    try:
        body = connection.get_bytes(namespaced(target.namespace, "routes", target.name, group=VERSION))
        return [Change(now(), value=decode(body, OpenShiftRoute)), coverage]
    except NotFound:
        return [coverage] if has_routes(connection) else [_unknown(target, now)]
    except (Forbidden, ApiProblem) as error:
        return [Change(now(), gap=gap_of(error, str(target)))]
    except OddObject as error:
        return [Change(now(), gap=Gap(str(target), f"it does not read as one: {one_line(str(error))}"))]


def has_routes(connection: Connection) -> bool:
    """Whether the cluster is one of OpenShift's."""
    try:
        connection.get_bytes(f"/apis/{VERSION}")
        return True
    except (Forbidden, NotFound, ApiProblem):
        return False


def every_route(connection: Connection, namespace: str) -> list[Change]:
    """One bounded page of a namespace, of all for an empty one; nothing where there is no such kind."""
    from .entrances import listed

    if not has_routes(connection):
        return []
    path = namespaced(namespace, "routes", group=VERSION) if namespace else f"/apis/{VERSION}/routes"
    return listed(connection, "Routes", path, OpenShiftRoute, time.time)


def _unknown(target: Target, now: Now) -> Change:
    why = "the cluster does not have the kind Route of OpenShift"
    return Change(now(), gap=Gap(str(target), why, "type httproute/NAME for one of the Gateway API"))
