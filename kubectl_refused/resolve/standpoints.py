"""The words of `--from`: whose eyes to look with. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from kubectl_refused.errors import UsageProblem, shown
from kubectl_refused.model.target import HERE
from kubectl_refused.patterns import lazily

from .kinds import OTHER_KINDS, other_kind
from .places import ENGINES, NAME

EVERY_NODE = "every-node"
ANYWHERE = "anywhere"  # a probe pod on whichever node: nobody types it
CONTAINER = "Container"
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job")
MOST = 20
# Names of pods, workloads and nodes: DNS subdomains (RFC 1123).
_NAME = lazily(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?", re.ASCII)
_INSTEAD = "type --from pod/NAME, deploy/NAME, node/NAME, every-node, here or docker/NAME"


class Standpoint(Struct, frozen=True):
    """One word of `--from`: `kind` is Pod, Node, one of WORKLOADS, or every-node or here, which have no `name`."""

    kind: str
    name: str = ""

    def __str__(self) -> str:
        if self.kind == CONTAINER:
            return f"docker/{self.name}"
        word = OTHER_KINDS[self.kind][self.kind in ("Pod", "Node")] if self.name else self.kind
        return f"{word}/{self.name}" if self.name else word


def parse_standpoints(words: Sequence[str]) -> tuple[Standpoint, ...]:
    """What `words` (each may hold several between commas) name, each once. Raises UsageProblem."""
    split = [word for words_ in words for word in words_.split(",")]
    if len(split) > MOST:
        raise UsageProblem(f"{len(split)} places to dial from are too many", f"give at most {MOST}, or every-node")
    return tuple(dict.fromkeys(_standpoint(word.strip()) for word in split))


def _container(word: str, name: str) -> Standpoint:
    if not NAME.fullmatch(name):
        raise UsageProblem(f"--from '{shown(word)}' has no name of a container", "type --from docker/NAME")
    return Standpoint(CONTAINER, name)


def _standpoint(word: str) -> Standpoint:
    if word in (EVERY_NODE, HERE):
        return Standpoint(word)
    kind_word, slash, name = word.partition("/")
    if slash and kind_word in ENGINES:
        return _container(word, name)
    kind = other_kind(kind_word) if slash else None
    if kind not in ("Pod", "Node", *WORKLOADS):
        raise UsageProblem(f"--from '{shown(word)}' is no place to dial from", _INSTEAD)
    if not _NAME.fullmatch(name):
        raise UsageProblem(f"--from '{shown(word)}' has no {kind} name", f"type --from {kind_word.lower()}/NAME")
    return Standpoint(kind, name)
