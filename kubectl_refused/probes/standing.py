"""From the words of `--from` to Clients: who stands where, read from the cluster.

What cannot be read shrinks the answer: the dial then starts at a plain pod, and `unlike` says so. What does not
exist is the person's typing error, and ends the run with one line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound
from kubectl_refused.decoders import converted, decoded
from kubectl_refused.errors import UsageProblem
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.target import HERE
from kubectl_refused.probes.clients import Client
from kubectl_refused.probes.enlisting import enlisted_by
from kubectl_refused.probes.images import ImageNode, is_usable
from kubectl_refused.probes.near_names import instead_of
from kubectl_refused.probes.workload_reads import PATHS
from kubectl_refused.resolve.standpoints import ANYWHERE, EVERY_NODE, Standpoint
from kubectl_refused.sources.reads import namespaced

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection

MOST_NODES = 100  # every-node beyond this is a sample: each costs a pod
# What of a client's spec decides how its packets and names go; the rest of it is none of a dial's business.
MANNERS = ("dnsPolicy", "dnsConfig", "hostAliases", "hostNetwork", "tolerations", "runtimeClassName")
# Labels that controllers write about their own pods: batch/v1 refuses a Job whose template has another Job's.
OWN_TO_ITS_CONTROLLER = (
    "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "controller-uid", "job-name",
    "refused.dev/run", "refused.dev/probe",
)  # fmt: skip


def clients_of(
    connection: Connection,
    standpoints: Sequence[Standpoint],
    *,
    target_namespace: str,
    client_namespace: str = "",
    host_network: bool = False,
) -> tuple[Client, ...]:
    """The clients that the standpoints name, with the control beside each stand-in; one plain client for none.

    Raises UsageProblem for what does not exist, ConnectionProblem where the cluster cannot be asked at all.
    """
    if not standpoints:
        return (Client(namespace=target_namespace),)
    space = client_namespace or target_namespace
    found: list[Client] = []
    for standpoint in standpoints:
        if standpoint.kind == ANYWHERE:
            found.append(Client(namespace=target_namespace))
        elif standpoint.kind == HERE:
            found.append(Client(key=HERE, standing="here", name=HERE))
        elif standpoint.kind in (EVERY_NODE, "Node"):
            found += _nodes(connection, standpoint, space, host_network)
        else:
            found += _pod_and_control(connection, standpoint, space)
    return tuple({client.key: client for client in found}.values())


def _nodes(connection: Connection, standpoint: Standpoint, namespace: str, host_network: bool) -> Iterator[Client]:
    try:
        nodes = _every_node(connection) if not standpoint.name else [_one_node(connection, standpoint.name)]
    except Forbidden as refused:
        # A named node can be stood on unread: the scheduler knows it. Its taints and image are not known then.
        if not standpoint.name:
            raise UsageProblem(f"--from every-node: {refused.message}", "type --from node/NAME") from refused
        yield _on_node(namespace, standpoint.name, {}, host_network)
        return
    for node, manner in nodes:
        yield _on_node(namespace, node, manner, host_network)


def _on_node(namespace: str, node: str, manner: Mapping[str, Any], host_network: bool) -> Client:
    if host_network:
        manner = {**manner, "hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet"}
    return Client(
        key=f"node/{node}",
        standing="node",
        namespace=namespace,
        node=node,
        name=f"node/{node}",
        host_network=host_network,
        manner=manner,
    )


def _one_node(connection: Connection, name: str) -> tuple[str, Mapping[str, Any]]:
    try:
        node = decoded(connection.get_bytes(f"/api/v1/nodes/{name}"), ImageNode)
    except NotFound:
        instead = instead_of(connection, "/api/v1/nodes", name, "see: kubectl get nodes", before="node/")
        raise UsageProblem(f"--from node/{name}: there is no such node", instead) from None
    return node.metadata.name, _tolerating(node)


def _every_node(connection: Connection) -> list[tuple[str, Mapping[str, Any]]]:
    """Linux nodes that are ready, tainted ones too; at most MOST_NODES."""
    page = next(connection.list_items("/api/v1/nodes", page_size=MOST_NODES), [])
    nodes = [node for raw in page if (node := _decoded(raw)) and is_usable(_untainted(node))]
    return [(node.metadata.name, _tolerating(node)) for node in nodes]


def _decoded(raw: msgspec.Raw) -> ImageNode | None:
    try:
        return decoded(raw, ImageNode)
    except msgspec.DecodeError:
        return None


def _untainted(node: ImageNode) -> ImageNode:
    spec = replace(node.spec, taints=None, unschedulable=None)
    return replace(node, spec=spec)


def _tolerating(node: ImageNode) -> Mapping[str, Any]:
    """Tolerations for exactly the taints it has."""
    taints = [t for t in node.spec.taints or () if t.effect != "PreferNoSchedule"]
    tolerations = [{"key": t.key, "operator": "Exists", "effect": t.effect} for t in taints]
    return {"tolerations": tolerations} if tolerations else {}


def _pod_and_control(connection: Connection, standpoint: Standpoint, namespace: str) -> tuple[Client, ...]:
    try:
        raw = _pod_of(connection, standpoint, namespace)
    except Forbidden as refused:
        plain = Client(key=str(standpoint), namespace=namespace, name=str(standpoint))
        return (replace(plain, unlike=f"a plain pod stands in for {standpoint}: {refused.message}"),)
    pod = converted(raw, Pod)
    client = _client(pod, raw, namespace, standpoint)
    if client.host_network or not client.labels:
        return (client,)  # policies do not judge a pod on the node's network, and no labels leave nothing to vary
    key = f"control:{client.key}"
    beside = replace(client, key=key, standing="control", labels=(), control="", unlike="")
    return (replace(client, control=key), beside)


def _client(pod: Pod, raw: Mapping[str, Any], namespace: str, standpoint: Standpoint) -> Client:
    status, name = pod.status, pod.metadata.name
    running = bool(status and status.phase == "Running" and pod.metadata.deletion_timestamp is None)
    labels = {k: v for k, v in (pod.metadata.labels or {}).items() if k not in OWN_TO_ITS_CONTROLLER}
    manner = {key: raw["spec"][key] for key in MANNERS if raw.get("spec", {}).get(key)}
    return Client(
        key=f"{namespace}/pod/{name}" if name else f"{namespace}/{standpoint}",
        standing="pod",
        namespace=namespace,
        node=pod.spec.node_name or "",
        name=f"pod/{name}" if name else str(standpoint),
        labels=tuple(sorted(labels.items())),
        pod=pod if running else None,
        host_network=bool(pod.spec.host_network),
        manner=manner,
    )


def _pod_of(connection: Connection, standpoint: Standpoint, namespace: str) -> dict[str, Any]:
    """The pod as JSON: the one named, or of a workload the best one; its template where it has no pod."""
    if standpoint.kind == "Pod":
        return _get(connection, standpoint, namespaced(namespace, "pods", standpoint.name), namespace)
    group, resource = PATHS[standpoint.kind]
    path = namespaced(namespace, resource, standpoint.name, group)
    spec = _get(connection, standpoint, path, namespace).get("spec") or {}
    wanted = (spec.get("selector") or {}).get("matchLabels") or {}
    query = [("labelSelector", ",".join(f"{key}={value}" for key, value in sorted(wanted.items())))]
    page = next(connection.list_items(namespaced(namespace, "pods"), query), []) if wanted else []
    pods: list[dict[str, Any]] = [pod for raw in page if _is_of(standpoint, pod := msgspec.json.decode(raw))]
    if pods:
        return min(pods, key=_preference)
    return {"metadata": {"name": "", **(spec.get("template") or {}).get("metadata", {})}} | {
        "spec": (spec.get("template") or {}).get("spec") or {}
    }


def _is_of(standpoint: Standpoint, pod: Mapping[str, Any]) -> bool:
    """Whether the workload made the pod: others may carry its labels. A Deployment does so by a ReplicaSet."""
    owners = [one for one in pod["metadata"].get("ownerReferences") or () if one.get("controller")]
    if standpoint.kind == "Deployment":
        return any(
            (one["kind"], one["name"].rpartition("-")[0]) == ("ReplicaSet", standpoint.name) for one in owners
        )
    return any((one["kind"], one["name"]) == (standpoint.kind, standpoint.name) for one in owners)


def _get(connection: Connection, standpoint: Standpoint, path: str, namespace: str) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = msgspec.json.decode(connection.get_bytes(path))
    except NotFound:
        kind, before = standpoint.kind.lower(), str(standpoint).removesuffix(standpoint.name)
        otherwise = "name its namespace with --from-namespace"
        instead = instead_of(connection, path.rpartition("/")[0], standpoint.name, otherwise, before)
        raise UsageProblem(
            f"--from {standpoint}: there is no such {kind} in namespace {namespace}", instead
        ) from None
    return answer


def _preference(pod: Mapping[str, Any]) -> tuple[bool, bool, str]:
    """Running before others, ready before others, then by name so that two runs choose alike."""
    status, meta = pod.get("status") or {}, pod["metadata"]
    ready = any(c.get("type") == "Ready" and c.get("status") == "True" for c in status.get("conditions") or ())
    running = status.get("phase") == "Running" and not meta.get("deletionTimestamp")
    return not running, not ready, meta["name"]


def unenlisted(connection: Connection, client: Client) -> Client:
    """The client as its stand-in may be: without labels where something would count or use a pod that has them."""
    if not client.labels:
        return client
    try:
        by = enlisted_by(connection, client.namespace, dict(client.labels))
    except (Forbidden, NotFound, ApiProblem) as problem:
        by = f"it cannot be known what would count it ({problem.message})"
    return replace(client, labels=(), unlike=f"without its labels: {by}") if by else client
