"""Read an entrance from a cluster: itself, what says who serves it, and every Service it leads to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound
from kubectl_refused.model.entrances import Ingress, IngressClass
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.snapshot import Change, Coverage, fold
from kubectl_refused.model.target import ADDRESSED, CALLED, Target
from kubectl_refused.text import one_line
from kubectl_refused.trace.entrances import doors_of

from .cluster import ClusterSource, changes_of
from .decoding import OddObject, decode
from .reads import ListRequest, each, gap_of, in_parallel, list_objects, namespaced

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection

NETWORKING = "networking.k8s.io/v1"
MOST_SERVICES = 50
_CLASSES = f"/apis/{NETWORKING}/ingressclasses"


class EntranceSource:
    """Reads through one Connection; a Service is read as ever. `now` gives seconds since the epoch."""

    origin = "cluster"

    def __init__(self, connection: Connection, now: Callable[[], float] = time.time) -> None:
        self._connection = connection
        self._services = ClusterSource(connection, now)
        self._now = now

    def read(self, target: Target) -> Iterable[Change]:
        """Yield Changes for the entrance, and then for each Service behind it.

        A missing entrance is coverage without an object. Raises Unreachable, CredentialsProblem or Cancelled.
        """
        if not target.is_entrance:
            yield from self._services.read(target)
            return
        own = self._own(target)
        yield from own
        yield from self._behind(target, own)

    def _own(self, target: Target) -> list[Change]:
        if target.kind in CALLED:
            from .calls import read_calls

            return list(read_calls(self._connection, target, self._now))
        if target.kind in ADDRESSED:
            from .addressed import read_addressed

            return list(read_addressed(self._connection, target, self._now))
        if target.kind == "OpenShiftRoute":
            from .openshift import read_route

            return read_route(self._connection, target, self._now)
        if target.kind != "Ingress":
            from .gateways import GatewayReads

            return GatewayReads(self._connection, self._now).read(target)
        tasks = (
            partial(self._one, target, "ingresses", Ingress, NETWORKING),
            partial(listed, self._connection, "IngressClasses", _CLASSES, IngressClass, self._now),
        )
        return [change for part in in_parallel(tasks) for change in part]

    def _behind(self, target: Target, own: Iterable[Change]) -> Iterator[Change]:
        """Each Service once, side by side."""
        doors = doors_of(target, fold(own))
        names = dict.fromkeys((d.namespace, d.service) for d in doors if d.kind == "Service" and d.service)
        wanted = [Target(name, namespace) for namespace, name in names][:MOST_SERVICES]
        for part in each(lambda one: list(self._services.read(one)), wanted):
            yield from part

    def _one(self, target: Target, resource: str, type_: type[Any], group: str) -> list[Change]:
        """The object by its name."""
        coverage = Coverage(target.kind, target.namespace, f"metadata.name={target.name}")
        path = namespaced(target.namespace, resource, target.name, group=group)
        try:
            body = self._connection.get_bytes(path)
            return [Change(self._now(), value=decode(body, type_)), Change(self._now(), covered=coverage)]
        except NotFound:
            return [Change(self._now(), covered=coverage)]
        except (Forbidden, ApiProblem) as error:
            return [Change(self._now(), gap=gap_of(error, str(target)))]
        except OddObject as error:
            why = f"it does not read as one: {one_line(str(error))}"
            return [Change(self._now(), gap=Gap(str(target), why))]


def listed(
    connection: Connection, what: str, path: str, type_: type[Any], now: Callable[[], float] = time.time
) -> list[Change]:
    """One bounded page of a kind, of all namespaces."""
    request: ListRequest[Any] = ListRequest(what, path, lambda raw: decode(raw, type_), most_pages=1)
    return list(changes_of(list_objects(connection, request), Coverage(type_.__name__, ""), request, now))
