"""Which image a probe pod runs, and how the agent is started in it: pure.

An image that is already on a node starts at once and works on clusters without a registry. A node's
status names its 50 largest images only (kubelet's nodeStatusMaxImages), so small ones may be there unseen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from kubectl_refused.model.objects import ContainerImage, Node, NodeSpec, Struct
from kubectl_refused.patterns import lazily
from kubectl_refused.probes.probe_agent_source import EITHER, PROGRAM, PYTHON, packed_source, shell_source

DEFAULT = "python:3-alpine"  # no registry: the node's own configuration decides where it comes from
# Last path components, without tag, of images that are known to have the program in PATH. `python` also fits
# python3 and python-slim; what only builds on Python may lack it (a frozen app), so nothing looser is taken.
WITH_PYTHON = lazily(r"python3?(-(slim|alpine|minimal|base|runtime))?")
WITH_NC = lazily(r"busybox|alpine|netshoot|network-multitool|netcat|nicolaka-netshoot")
WINDOWS = "kubernetes.io/os"
VIRTUAL = "virtual-kubelet"
MOST_NODES = 50  # hostnames in the affinity; more say no more


class Taint(Struct, frozen=True):
    key: str = ""
    effect: str = ""


class TaintedSpec(NodeSpec, frozen=True):
    taints: tuple[Taint, ...] | None = None


class ImageNode(Node, frozen=True):
    """A node with what decides whether a probe pod could run there."""

    spec: TaintedSpec = TaintedSpec()


class Choice(msgspec.Struct, frozen=True):
    """An image, the form of the agent it can run (python, shell or either), and the nodes that have it.

    `nodes` are values of the label kubernetes.io/hostname; empty: any node, and the image may have to be pulled,
    unless it is `there`: on the one node that the pod is bound to anyway. `because` is a clause for the report,
    empty when an image on a node was found.
    """

    image: str
    form: str
    nodes: tuple[str, ...] = ()
    because: str = ""
    there: bool = False

    @property
    def present(self) -> bool:
        """Whether the image is on the node already, so that nothing is pulled."""
        return self.there or bool(self.nodes)

    def argv(self, arguments: Sequence[str]) -> list[str]:
        """The container's whole command line; `arguments` go to the agent untouched by any shell."""
        if self.form == "python":
            return [*PYTHON, packed_source(), *arguments]
        if self.form == "shell":
            return ["sh", "-c", shell_source(), PROGRAM, *arguments]
        return ["sh", "-c", EITHER, PROGRAM, packed_source(), shell_source(), *arguments]


def ranked(images: Iterable[ContainerImage]) -> list[tuple[int, str]]:
    """(0 for Python, 1 for nc; image) of the images that can run the agent, each once."""
    ranks = {"python": 0, "shell": 1}
    found = []
    for image in images:
        usable = [name for name in image.names or () if "@" not in name and form_of(name)]
        if usable:
            found.append((ranks[form_of(usable[0])], min(usable, key=lambda name: (len(name), name))))
    return found


def form_of(image: str) -> str:
    """python, shell, or empty when the name tells nothing."""
    last = image.partition("@")[0].rsplit("/", 1)[-1]
    name, _, tag = last.partition(":")
    if WITH_PYTHON.fullmatch(name) and not tag.startswith("2"):
        return "python"
    return "shell" if WITH_NC.fullmatch(name) else ""


def is_usable(node: ImageNode) -> bool:
    """Ready, open to new pods without tolerations, Linux, and not a virtual node."""
    labels = node.metadata.labels or {}
    ready = any(c.type == "Ready" and c.status == "True" for c in node.status.conditions or ())
    linux = labels.get(WINDOWS, "linux") == "linux" and labels.get("type") != VIRTUAL
    closed = node.spec.unschedulable or any(t.effect != "PreferNoSchedule" for t in node.spec.taints or ())
    return ready and linux and not closed and bool(hostname(node))


def hostname(node: Node) -> str:
    """The node's label for affinity; its name is often, not always, the same."""
    return (node.metadata.labels or {}).get("kubernetes.io/hostname", "")
