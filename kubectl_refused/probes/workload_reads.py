"""The workload that made a pod: up the owner references, with as few requests as prove it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from msgspec import Struct, field

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound
from kubectl_refused.model.facts import WORKLOADS_IN, NamespaceKey, PodKey
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Metadata, OwnerReference, Pod, Workload
from kubectl_refused.probes.base import ProbeContext
from kubectl_refused.probes.pod_lookup import find_pod
from kubectl_refused.sources.decoding import OddObject, decode_workload
from kubectl_refused.sources.reads import gap_of, namespaced

PATHS = {
    "Deployment": ("apps/v1", "deployments"),
    "ReplicaSet": ("apps/v1", "replicasets"),
    "StatefulSet": ("apps/v1", "statefulsets"),
    "DaemonSet": ("apps/v1", "daemonsets"),
    "Job": ("batch/v1", "jobs"),
    "CronJob": ("batch/v1", "cronjobs"),
    "ReplicationController": ("", "replicationcontrollers"),
}
HASH_LABEL = "pod-template-hash"  # set by the Deployment controller, and the end of its ReplicaSets' names
MOST_STEPS = 3  # pod → ReplicaSet → Deployment → an operator's own kind


class Owners(Struct, frozen=True):
    """Finds workloads; pods of one workload share its request."""

    context: ProbeContext
    lock: threading.Lock
    read: dict[tuple[str, str, str], Workload | Gap] = field(default_factory=dict)

    def of_pod(self, key: PodKey) -> Workload | Gap:
        """Return the topmost workload we know how to read; an unread kind (a Rollout) by its name only."""
        pod = find_pod(self.context, key)
        if isinstance(pod, Gap):
            return pod
        owner = controller(pod.metadata)
        if owner is None:
            return Gap(f"the workload of pod/{key.name}", "nothing made it, it stands for itself")
        return self._by_hash(pod, owner) or self._up(key.namespace, owner)

    def _by_hash(self, pod: Pod, owner: OwnerReference) -> Workload | None:
        """Skip the ReplicaSet where its name gives the Deployment's, which must then really select the pod."""
        suffix = "-" + ((pod.metadata.labels or {}).get(HASH_LABEL) or "")
        if owner.kind != "ReplicaSet" or suffix == "-" or not owner.name.endswith(suffix):
            return None
        found = self._get(pod.metadata.namespace, "Deployment", owner.name.removesuffix(suffix))
        return found if isinstance(found, Workload) and _selects(found, pod) else None

    def _up(self, namespace: str, owner: OwnerReference) -> Workload | Gap:
        found: Workload | Gap = Gap(f"{owner.kind.lower()}/{owner.name}", "nothing was read")
        for _ in range(MOST_STEPS):
            if owner.kind not in PATHS:
                return Workload(kind=owner.kind, metadata=Metadata(name=owner.name, namespace=namespace))
            found = self._get(namespace, owner.kind, owner.name)
            above = controller(found.metadata) if isinstance(found, Workload) else None
            if above is None:
                break
            owner = above
        return found

    def _get(self, namespace: str, kind: str, name: str) -> Workload | Gap:
        return self._once((namespace, kind, name), lambda: self._fetch(namespace, kind, name))

    def _once(self, key: tuple[str, str, str], fetch: Callable[[], Workload | Gap]) -> Workload | Gap:
        """Hold the lock while fetching: pods asked about side by side mostly share their workload."""
        with self.lock:
            if key not in self.read:
                self.read[key] = fetch()
            return self.read[key]

    def _fetch(self, namespace: str, kind: str, name: str) -> Workload | Gap:
        known = self.context.facts.get(WORKLOADS_IN, NamespaceKey(namespace))
        if known is not None and not isinstance(known, Gap):
            for workload in known:
                if (workload.kind, workload.metadata.name) == (kind, name):
                    return workload
        group, resource = PATHS[kind]
        try:
            return decode_workload(
                self.context.connection.get_bytes(namespaced(namespace, resource, name, group)), kind
            )
        except (Forbidden, NotFound, ApiProblem) as error:
            return gap_of(error, f"{kind.lower()}/{name}")
        except OddObject:
            return Gap(f"{kind.lower()}/{name}", f"it does not read as a {kind}")


def controller(metadata: Metadata) -> OwnerReference | None:
    """Return the owner that controls the object; there is one at most."""
    return next((owner for owner in metadata.owner_references or () if owner.controller), None)


def _selects(workload: Workload, pod: Pod) -> bool:
    labels = pod.metadata.labels or {}
    selector = workload.spec.selector
    wanted = (selector.match_labels if selector else None) or {}
    return all(labels.get(key) == value for key, value in wanted.items())
