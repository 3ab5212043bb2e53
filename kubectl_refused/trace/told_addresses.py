"""Which pods of manifests are told an address of a Service: worked out once for a namespace, whatever its size.

Asking every pod for every Service took 160,000 looks for 400 of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from kubectl_refused.model.objects import ConfigMap, Pod
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.snapshot import Snapshot

from .client_pods import is_target
from .client_settings import Maps, Told, addresses, config_maps, has_variables


class _Place(Struct, frozen=True):
    """`number` is the place in the order of pods and of their variables."""

    number: int
    pod: Pod
    told: Told


_ByName = dict[str, list[_Place]]


def told_of_target(scene: Scene) -> Iterator[tuple[Pod, Told]]:
    """Every address of the Service that a pod's variables in the manifests name, in the order of the pods.

    What was read is all there is of manifests: asking for it would cost each Service a second look of every cause.
    """
    target, snapshot = scene.target, scene.snapshot
    pods = snapshot.pods(target.namespace) if snapshot.read("Pod", target.namespace) else ()
    found = snapshot.derived(f"told in {target.namespace}", lambda: _by_name(pods, snapshot))
    near = {place.number: place for key in {target.name, scene.entrance} for place in found.get(key, ())}
    yield from ((near[n].pod, near[n].told) for n in sorted(near) if is_target(scene, near[n].told.host))


def _by_name(pods: Iterable[Pod], snapshot: Snapshot) -> _ByName:
    """The addresses by their host, and by the first label of it, which is the Service's name."""
    found: _ByName = {}
    named = ((pod, told) for pod in pods if has_variables(pod) for told in addresses(pod, _maps(pod, snapshot)))
    for number, (pod, told) in enumerate(named):
        for key in {told.host, told.host.partition(".")[0]}:
            found.setdefault(key, []).append(_Place(number, pod, told))
    return found


def _maps(pod: Pod, snapshot: Snapshot) -> Maps:
    """The ConfigMaps in the manifests; one that something else makes has nothing to tell."""
    read = {name: snapshot.objects.get(("ConfigMap", pod.metadata.namespace, name)) for name in config_maps(pod)}
    return {name: one for name, one in read.items() if isinstance(one, ConfigMap)}
