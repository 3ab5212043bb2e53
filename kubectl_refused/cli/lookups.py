"""What completion looks up: names in kubeconfigs, and names in a cluster within LONGEST seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .arguments import so_far
from .options import CONNECTION, DIAGNOSIS, SCAN

if TYPE_CHECKING:
    from kubectl_refused.connection.options import ConnectionOptions

LONGEST = 2.0  # seconds; a shell that waits longer feels broken
MOST = 1000  # names
_ROOTS = {
    "Pod": ("/api/v1", "pods"),
    "Deployment": ("/apis/apps/v1", "deployments"),
    "StatefulSet": ("/apis/apps/v1", "statefulsets"),
    "DaemonSet": ("/apis/apps/v1", "daemonsets"),
    "ReplicaSet": ("/apis/apps/v1", "replicasets"),
    "Job": ("/apis/batch/v1", "jobs"),
}


def kubeconfig_names(section: str, typed: Sequence[str]) -> list[str]:
    """Names in a section (contexts, clusters or users) of the kubeconfigs; imports no Kubernetes client."""
    import os

    from kubectl_refused.connection.kubeconfig_files import candidate_files, merge_files

    merged = merge_files(candidate_files(_values(typed).get("kubeconfig"), os.environ))
    return list(getattr(merged, section))


def namespaces(typed: Sequence[str]) -> list[str]:
    """Names of the namespaces, or none when the cluster does not answer in time."""
    return _within(lambda: _names(typed, lambda connection: "/api/v1/namespaces"))


def services(typed: Sequence[str]) -> list[str]:
    """Names of the Services in the namespace asked for, or none when the cluster does not answer in time."""
    return _within(lambda: _names(typed, lambda connection: f"/api/v1/namespaces/{connection.namespace}/services"))


def ports(typed: Sequence[str], service: str) -> list[str]:
    """The TCP ports of a Service, by name and by number."""
    return _within(lambda: _ports(typed, service))


def of_kind(kind: str, typed: Sequence[str]) -> list[str]:
    """Names of that kind in the namespace of the clients; none for a kind that --from does not take."""
    from kubectl_refused.resolve.kinds import other_kind

    if other_kind(kind) == "Node":
        return _within(lambda: _names(typed, lambda connection: "/api/v1/nodes"))
    return named(kind, typed, _values(typed).get("from_namespace") or "")


def named(kind: str, typed: Sequence[str], namespace: str = "") -> list[str]:
    """Names of pods, or of workloads of that kind, in the namespace asked for unless another is told."""
    from kubectl_refused.resolve.kinds import other_kind

    root = _ROOTS.get(other_kind(kind) or "")
    if root is None:
        return []
    return _within(lambda: _names(typed, lambda at: f"{root[0]}/namespaces/{namespace or at.namespace}/{root[1]}"))


def declared_ports(kind: str, name: str, typed: Sequence[str]) -> list[str]:
    """The TCP ports that containers of the pod or the workload's pods declare, by name and by number."""
    return _within(lambda: _declared_ports(kind, name, typed))


def _within(look_up: Callable[[], list[str]]) -> list[str]:
    import threading

    import urllib3  # noqa: F401  (before the clock starts: the limit is meant for the cluster)

    found: list[list[str]] = []
    thread = threading.Thread(target=lambda: found.append(_or_none(look_up)), daemon=True)
    thread.start()
    thread.join(LONGEST)
    return found[0] if found else []


def _or_none(look_up: Callable[[], list[str]]) -> list[str]:
    try:
        return look_up()
    except Exception:  # a shell has no place to show it
        return []


def _names(typed: Sequence[str], path_of: Callable[[Any], str]) -> list[str]:
    from kubectl_refused.connection.client import connect
    from kubectl_refused.decoders import decoded
    from kubectl_refused.model.objects import Namespace  # nothing but metadata, so it fits every object

    connection = connect(_options(typed))
    page = next(iter(connection.list_items(path_of(connection), page_size=MOST)), [])
    return [decoded(item, Namespace).metadata.name for item in page]


def _ports(typed: Sequence[str], service: str) -> list[str]:
    from kubectl_refused.connection.client import connect
    from kubectl_refused.model.objects import Service
    from kubectl_refused.resolve import grammar

    (target,) = grammar.parse([service], namespace="")  # a name that is none may not become a path
    connection = connect(_options(typed))
    path = f"/api/v1/namespaces/{connection.namespace}/services/{target.name}"
    spec = connection.get(path, type=Service).spec
    found = [port for port in spec.ports or () if port.protocol == "TCP"]
    return [text for port in found for text in (port.name, str(port.port)) if text]


def _declared_ports(kind: str, name: str, typed: Sequence[str]) -> list[str]:
    from kubectl_refused.connection.client import connect
    from kubectl_refused.model.objects import Metadata, Pod
    from kubectl_refused.resolve.pods import pods_of
    from kubectl_refused.sources.decoding import decode, decode_workload
    from kubectl_refused.trace.containers import containers

    target = pods_of(f"{kind}/{name}")  # a name that is none may not become a path
    assert target is not None
    connection, (root, resource) = connect(_options(typed)), _ROOTS[target.kind]
    body = connection.get_bytes(f"{root}/namespaces/{connection.namespace}/{resource}/{target.name}")
    if target.kind == "Pod":
        spec = decode(body, Pod).spec
    else:
        spec = decode_workload(body, target.kind).spec.template.spec
    listed = [
        p for c in containers(Pod(metadata=Metadata(name="", namespace=""), spec=spec)) for p in c.ports or ()
    ]
    return [text for p in listed if p.protocol == "TCP" for text in (p.name, str(p.container_port)) if text]


def _options(typed: Sequence[str]) -> ConnectionOptions:
    from .request import connection_of

    return connection_of(_values(typed))


def _values(typed: Sequence[str]) -> dict[str, Any]:
    """The options typed so far, of whichever command."""
    return so_far(typed, CONNECTION + DIAGNOSIS + SCAN).typed
