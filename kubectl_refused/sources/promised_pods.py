"""Pods that manifests promise: what the controllers would make of Deployments and their like.

They have no status, since no kubelet ever reported them. Names are the workload's own, so that a message
says something a person finds in the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from kubectl_refused.model.objects import Labels, Metadata, OwnerReference, Pod, Workload

MOST_ORDINALS = 50  # pods of one StatefulSet; a Service for a single pod of it seldom goes beyond the first few


class Promise(NamedTuple):
    """A promised pod, and the workload it comes from."""

    pod: Pod
    workload: Workload


def promised_pods(workloads: Iterable[Workload], pods: Iterable[Pod]) -> Iterator[Promise]:
    """One pod per workload (one per ordinal for StatefulSets), none where replicas is 0.

    `workloads` and `pods` are all that the files hold: a workload whose owner is among them, or whose pods
    are (`kubectl get -o yaml` of a cluster), promises nothing more.
    """
    workloads = tuple(workloads)
    named = {_key(w): w for w in workloads}
    pods = tuple(pods)
    live = _with_pods(named, pods)
    taken = {(pod.metadata.namespace, pod.metadata.name) for pod in pods}
    for key, workload in named.items():
        if workload.spec.replicas == 0 or key in live or any(o in named for o in _owners(workload.metadata)):
            continue
        for promised in _pods_of(workload):
            pod = _renamed(promised, workload.kind) if _place(promised) in taken else promised
            taken.add(_place(pod))
            yield Promise(pod, workload)


_Key = tuple[str, str, str]  # namespace, kind, name


def _key(workload: Workload) -> _Key:
    return (workload.metadata.namespace, workload.kind, workload.metadata.name)


def _place(pod: Pod) -> tuple[str, str]:
    return (pod.metadata.namespace, pod.metadata.name)


def _owners(metadata: Metadata) -> set[_Key]:
    return {(metadata.namespace, o.kind, o.name) for o in metadata.owner_references or ()}


def _with_pods(named: dict[_Key, Workload], pods: Iterable[Pod]) -> set[_Key]:
    """Workloads that own one of `pods`, directly or through a ReplicaSet or Job of theirs."""
    found: set[_Key] = set()
    for pod in pods:
        step = _owners(pod.metadata)
        for _ in range(3):  # pod, ReplicaSet, Deployment: no chain of Kubernetes' own is longer
            found |= step
            step = {o for key in step if key in named for o in _owners(named[key].metadata)}
    return found


def _pods_of(workload: Workload) -> Iterator[Pod]:
    """The pod of a workload's template; each ordinal of a StatefulSet has a label of its own."""
    name = workload.metadata.name
    if workload.kind != "StatefulSet":
        job = {"job-name": name, "batch.kubernetes.io/job-name": name} if workload.kind == "Job" else {}
        yield _pod(workload, name, job)
        return
    replicas = 1 if workload.spec.replicas is None else workload.spec.replicas
    for ordinal in range(min(replicas, MOST_ORDINALS)):
        labels = {
            "statefulset.kubernetes.io/pod-name": f"{name}-{ordinal}",
            "apps.kubernetes.io/pod-index": str(ordinal),
        }
        yield _pod(workload, f"{name}-{ordinal}", labels)


def _pod(workload: Workload, name: str, more_labels: Labels) -> Pod:
    template = workload.spec.template
    owner = OwnerReference(kind=workload.kind, name=workload.metadata.name, controller=True)
    metadata = msgspec.structs.replace(
        template.metadata,
        name=name,
        namespace=workload.metadata.namespace,
        labels={**(template.metadata.labels or {}), **more_labels},
        owner_references=(owner,),
    )
    return Pod(metadata=metadata, spec=template.spec)


def _renamed(pod: Pod, kind: str) -> Pod:
    """The pod under a name that says its kind: a Deployment and a DaemonSet may share theirs."""
    name = f"{pod.metadata.name}-{kind.lower()}"
    return msgspec.structs.replace(pod, metadata=msgspec.structs.replace(pod.metadata, name=name))
