"""A pod cut down to what a story of it needs. Pure."""

from __future__ import annotations

from typing import NamedTuple

from kubectl_refused.model.objects import ContainerStateTerminated, ContainerStatus, Labels, Pod

from .statuses import condition

# What the makers of pods write their template's version into (apps/v1: Deployments; StatefulSets and DaemonSets).
_VERSIONS = ("pod-template-hash", "controller-revision-hash")


class ContainerSeen(NamedTuple):
    """One container: how often it has ended, how the last time, whether it runs, and what it waits for."""

    name: str
    exits: int
    ended: ContainerStateTerminated | None
    runs: bool
    waits: str


class PodState(NamedTuple):
    """One pod at one time. `version` is its template's, `maker` the controller's kind and name."""

    namespace: str
    name: str
    uid: str
    labels: Labels
    addresses: tuple[str, ...]
    node: str
    version: str
    maker: str
    ready: bool
    leaves: bool
    ended: bool
    containers: tuple[ContainerSeen, ...]


def state_of(pod: Pod) -> PodState:
    """The pod as it is now."""
    meta, status = pod.metadata, pod.status
    labels = meta.labels or {}
    ready = condition(pod, "Ready")
    given = (status.pod_ip or "", *(each.ip for each in status.pod_ips or ())) if status else ()
    owner = next((one for one in meta.owner_references or () if one.controller), None)
    return PodState(
        namespace=meta.namespace,
        name=meta.name,
        uid=meta.uid,
        labels=labels,
        # A pod on its node's network has the node's address.
        addresses=() if pod.spec.host_network else tuple(dict.fromkeys(filter(None, given))),
        node=pod.spec.node_name or "",
        version=next((labels[key] for key in _VERSIONS if key in labels), ""),
        maker=f"{owner.kind}/{owner.name}" if owner else "",
        ready=ready is not None and ready.status == "True",
        leaves=meta.deletion_timestamp is not None,
        ended=status is not None and status.phase in ("Succeeded", "Failed"),
        containers=tuple(_seen(one) for one in (status.container_statuses if status else None) or ()),
    )


def _seen(status: ContainerStatus) -> ContainerSeen:
    ended = status.state.terminated or status.last_state.terminated
    return ContainerSeen(
        name=status.name,
        exits=status.restart_count + bool(status.state.terminated),
        ended=ended,
        runs=status.state.running is not None,
        waits=status.state.waiting.reason if status.state.waiting else "",
    )
