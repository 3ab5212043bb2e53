"""In which order images are tried for a probe pod: pure.

What is on a node and known by its name comes first, since it starts at once and the scheduler knows where; the
target's own image, of which only the name is known, is tried blind after it; what must be pulled comes last
(docs/decisions/0008-images-already-there-first.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from kubectl_refused.model.objects import Pod
from kubectl_refused.probes.images import (
    DEFAULT,
    MOST_NODES,
    Choice,
    ImageNode,
    form_of,
    hostname,
    is_usable,
    ranked,
)

MOST_CANDIDATES = 4
MOST_KNOWN = 2  # of images known by their names: one may lack what its name promises, three hardly will
RANKS = {"python": 0, "shell": 1}


class OwnImage(NamedTuple):
    """An image that a pod of the target (or the client pod itself) runs, and the name of the node it runs on."""

    image: str
    node: str


def own_images(pods: Iterable[Pod], node: str = "") -> tuple[OwnImage, ...]:
    """The images of running pods, the first container's first; only those on `node` if one is given.

    A pod that ended may have left an image that the kubelet has removed since.
    """
    found = [
        OwnImage(container.image, pod.spec.node_name)
        for pod in pods
        if pod.spec.node_name and node in ("", pod.spec.node_name) and pod.status and pod.status.phase == "Running"
        for container in pod.spec.containers or ()
        if container.image
    ]
    return tuple(dict.fromkeys(found))


def in_order(
    wanted: str,
    nodes: Iterable[ImageNode] | None,
    own: Sequence[OwnImage] = (),
    *,
    prefix: str = "",
    pinned: bool = False,
) -> list[Choice]:
    """What to try, best first, at most `MOST_CANDIDATES`; never empty.

    `nodes` are those that may take the pod, None when they may not be read. `prefix` is a registry's, for the
    image that is pulled. `pinned`: the pod is bound to its one node by name, whatever taints that has.
    """
    if wanted:
        return [Choice(wanted, form_of(wanted) or "either")]
    usable = None if nodes is None else [node for node in nodes if pinned or is_usable(node)]
    places = _Places(usable, pinned)
    known = _known(usable or (), own, places)
    blind = _blind(own, places)
    pulled = f"{prefix.rstrip('/')}/{DEFAULT}" if prefix else DEFAULT
    if known:
        last = Choice(pulled, "python", because=f"so {pulled} is pulled")
    elif usable is None:
        last = Choice(pulled, "python", because=f"may not read nodes, so {pulled} is taken")
    else:
        last = Choice(
            pulled, "python", because=f"no image with Python or nc was seen on a node, so {pulled} is taken"
        )
    return [*known, *blind[: MOST_CANDIDATES - 1 - len(known)], last]


class _Places:
    """Where images are, as values for the affinity of a Choice."""

    def __init__(self, nodes: Sequence[ImageNode] | None, pinned: bool) -> None:
        self.pinned, self.unread = pinned, nodes is None
        self.hostnames = {node.metadata.name: hostname(node) for node in nodes or ()}

    def of(self, node: str) -> str:
        """The hostname of a node by its name; empty if the node may not take the pod.

        A node that may not be read has its name for a hostname, as it nearly always is.
        """
        return node if self.unread else self.hostnames.get(node, "")

    def choice(self, image: str, form: str, hostnames: Sequence[str], because: str = "") -> Choice:
        """The Choice; where the node is unread and given by name already, no guess is added to the affinity."""
        if self.pinned and self.unread:
            return Choice(image, form, because=because, there=True)
        return Choice(image, form, tuple(hostnames[:MOST_NODES]), because)


def _known(nodes: Iterable[ImageNode], own: Sequence[OwnImage], places: _Places) -> list[Choice]:
    """The best images that are known by name, of unlike forms if there are such."""
    found: dict[str, list[str]] = {}
    for node in nodes:
        for _, image in ranked(node.status.images or ()):
            found.setdefault(image, []).append(hostname(node))
    by_plain = {plain(image): image for image in found}
    ours = {plain(image) for image, _ in own}
    for image, its_node in own:
        if form_of(image) and (there := places.of(its_node)):
            hostnames = found.setdefault(by_plain.setdefault(plain(image), image), [])
            hostnames += [there] if there not in hostnames else []
    # Python first, then the target's own, then what most nodes have, then by name so that two runs choose alike.
    order = sorted(
        found, key=lambda image: (RANKS[form_of(image)], plain(image) not in ours, -len(found[image]), image)
    )
    other = [image for image in order[1:] if form_of(image) != form_of(order[0])]
    chosen = [*order[:1], *other, *(image for image in order[1:] if image not in other)][:MOST_KNOWN]
    return [places.choice(image, form_of(image), found[image]) for image in chosen]


def _blind(own: Sequence[OwnImage], places: _Places) -> list[Choice]:
    """The target's own images whose names tell nothing: what is inside is found out by starting them."""
    found: dict[str, list[str]] = {}
    for image, node in own:
        if not form_of(image) and (there := places.of(node)):
            found.setdefault(image, []).append(there)
    return [
        places.choice(image, "either", hostnames, because="the target's own image, which may have no shell")
        for image, hostnames in found.items()
    ][:1]


def plain(image: str) -> str:
    """An image's name without what a reference leaves out (`docker.io/library/python:3` is `python:3`)."""
    for part in ("docker.io/", "index.docker.io/", "library/"):
        image = image.removeprefix(part)
    return image if "@" in image or ":" in image.rsplit("/", 1)[-1] else f"{image}:latest"


def why_none_ran(failures: Sequence[tuple[Choice, str]]) -> str:
    """One clause with the reason of each image that was tried: `python:3: ErrImagePull …; shop/web:1: …`."""
    if len(failures) == 1:
        choice, because = failures[0]
        return f"{because} ({choice.because})" if choice.because else because
    return "; ".join(because if c.image in because else f"{c.image}: {because}" for c, because in failures)
