"""A selector that nobody in the namespace carries: the ground of every cause that asks whom it means."""

from __future__ import annotations

from typing import NamedTuple

from kubectl_refused.model.facts import PODS_IN, WORKLOADS_IN, NamespaceKey
from kubectl_refused.model.objects import Labels, Pod, Workload
from kubectl_refused.model.scene import Scene

from .labels import carries


class Unselected(NamedTuple):
    """A Service's selector, and the pods and workloads of its namespace, none of which carries it."""

    selector: Labels
    pods: tuple[Pod, ...]
    workloads: tuple[Workload, ...]


def sought(scene: Scene) -> Labels:
    """The labels whose pods are meant: the Service's selector, or those of the workload that was asked about."""
    if scene.service is not None:
        return scene.service.spec.selector or {}
    target = scene.target
    found = scene.snapshot.objects.get((target.kind, target.namespace, target.name))
    selector = found.spec.selector if isinstance(found, Workload) else None
    return (selector.match_labels if selector else None) or {}


def unselected(scene: Scene) -> Unselected | None:
    """None where the Service has endpoints or no selector, or where somebody carries it or would.

    A workload whose template carries it has no pod for a reason that is another cause's to say.
    Raises Undecided while pods and workloads of the namespace were not asked for.
    """
    service, key = scene.service, NamespaceKey(scene.target.namespace)
    if service is None or scene.pods or scene.endpoints or not service.spec.selector:
        return None
    selector = service.spec.selector
    pods = scene.need(PODS_IN, key)
    if any(carries(p.metadata.labels, selector) for p in pods):
        return None
    workloads = scene.maybe(WORKLOADS_IN, key) or ()
    if any(carries(w.spec.template.metadata.labels, selector) for w in workloads):
        return None
    return Unselected(selector, pods, workloads)
