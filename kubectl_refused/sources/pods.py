"""Read pods past every Service from a cluster: the pod by its name, or a workload and the pods it selects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import LabelSelector, Pod
from kubectl_refused.model.snapshot import Change, Coverage
from kubectl_refused.model.target import Target
from kubectl_refused.text import one_line

from .cluster import changes_of
from .decoding import OddObject, decode, decode_workload
from .reads import ListRequest, Query, gap_of, list_objects, namespaced

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection

_PLACES = {
    "Deployment": ("apps/v1", "deployments"),
    "StatefulSet": ("apps/v1", "statefulsets"),
    "DaemonSet": ("apps/v1", "daemonsets"),
    "ReplicaSet": ("apps/v1", "replicasets"),
    "Job": ("batch/v1", "jobs"),
}
MOST_PAGES = 2


def read_pods(connection: Connection, target: Target, now: Callable[[], float]) -> Iterator[Change]:
    """Yield Changes for what was asked about, and for the pods of a workload.

    What is missing is coverage without an object. Raises Unreachable, CredentialsProblem or Cancelled.
    """
    by_name = f"metadata.name={target.name}"
    if target.kind == "Pod":  # listed, as the right to list pods is needed anyway
        yield from _listed(connection, target, [("fieldSelector", by_name)], by_name, now)
        return
    group, resource = _PLACES[target.kind]
    try:
        path = namespaced(target.namespace, resource, target.name, group=group)
        found = decode_workload(connection.get_bytes(path), target.kind)
    except NotFound:
        yield Change(now(), covered=Coverage(target.kind, target.namespace, by_name))
        return
    except (Forbidden, ApiProblem) as error:
        yield Change(now(), gap=gap_of(error, str(target)))
        return
    except OddObject as error:
        yield Change(now(), gap=Gap(str(target), f"it does not read as one: {one_line(str(error))}"))
        return
    yield Change(now(), value=found)
    yield Change(now(), covered=Coverage(target.kind, target.namespace, by_name))
    if found.spec.selector:
        selector = selector_text(found.spec.selector)
        yield from _listed(connection, target, [("labelSelector", selector)], selector, now)


def _listed(
    connection: Connection, target: Target, query: Query, selector: str, now: Callable[[], float]
) -> Iterator[Change]:
    path = namespaced(target.namespace, "pods")
    request = ListRequest("Pods", path, lambda raw: decode(raw, Pod), query, most_pages=MOST_PAGES)
    coverage = Coverage("Pod", target.namespace, selector)
    return changes_of(list_objects(connection, request), coverage, request, now)


def selector_text(selector: LabelSelector) -> str:
    """The selector as the query of a list takes it (apimachinery pkg/labels/selector.go)."""
    parts = [f"{key}={value}" for key, value in sorted((selector.match_labels or {}).items())]
    for one in selector.match_expressions or ():
        values = ",".join(one.values or ())
        shape = {"In": f"{one.key} in ({values})", "NotIn": f"{one.key} notin ({values})"}
        parts.append(shape.get(one.operator) or ("!" if one.operator == "DoesNotExist" else "") + one.key)
    return ",".join(parts)
