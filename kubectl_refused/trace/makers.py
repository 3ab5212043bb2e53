"""Endpoints by what made their pods, and whether two makers serve one app. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from kubectl_refused.model.facts import WORKLOAD
from kubectl_refused.model.objects import Container, Pod
from kubectl_refused.model.scene import Endpoint, Scene, pod_key

from .containers import command_line
from .nearest import likeness
from .owners import made_by
from .runtimes import mesh_of

ENDING = ("Job", "CronJob")  # what runs to an end serves nobody


class Maker(Struct, frozen=True):
    """A workload and its endpoints, `name` as in `Deployment web`; a pod that stands for itself is its own."""

    name: str
    endpoints: tuple[Endpoint, ...]

    @property
    def pods(self) -> tuple[Pod, ...]:
        """The pods behind the endpoints."""
        return tuple(e.pod for e in self.endpoints if e.pod)

    @property
    def ends(self) -> bool:
        """Whether its pods run to an end, as a Job's do."""
        return self.name.startswith(tuple(f"{kind} " for kind in ENDING))


def makers(scene: Scene, endpoints: Iterable[Endpoint]) -> list[Maker]:
    """Endpoints of known pods, by maker. Raises Undecided while one workload was not asked for."""
    found: dict[str, list[Endpoint]] = {}
    for endpoint in endpoints:
        if endpoint.pod is not None:
            scene.maybe(WORKLOAD, pod_key(endpoint.pod))  # answered once for all pods of one workload
            name = made_by(scene, endpoint.pod) or f"Pod {endpoint.pod.metadata.name}"
            found.setdefault(name, []).append(endpoint)
    return [Maker(name, tuple(group)) for name, group in found.items()]


def versions_of_one(pod: Pod, others: Iterable[Pod]) -> bool:
    """Whether the pod runs what one of the others runs: the same image, at any tag, in the same way."""
    mine = _ways(pod)
    return any(mine & _ways(other) for other in others)


def shares_image(pod: Pod, others: Iterable[Pod]) -> bool:
    """Whether some container of the pod has the image of one of the others, at any tag."""
    mine = {image for image, _ in _ways(pod)}
    return any(mine & {image for image, _ in _ways(other)} for other in others)


def named_nearer(wanted: str, maker: Maker, others: Sequence[Maker]) -> bool:
    """Whether the maker's name is more like `wanted` than that of any other."""
    own = likeness(wanted, maker.name.partition(" ")[2])
    return all(own > likeness(wanted, other.name.partition(" ")[2]) for other in others)


def _ways(pod: Pod) -> set[tuple[str, str]]:
    """(image without its tag, command line) of each container that is no mesh's."""
    mesh = mesh_of(pod)
    proxy = mesh.container if mesh else ""
    return {(_repository(c), command_line(c)) for c in pod.spec.containers or () if c.name != proxy}


def _repository(container: Container) -> str:
    image = container.image.partition("@")[0]
    head, _, tag = image.rpartition(":")
    return head if head and "/" not in tag else image
