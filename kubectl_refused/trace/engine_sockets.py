"""A container's listening sockets, and how they are told. Pure."""

from __future__ import annotations

from kubectl_refused.model.containers import EngineContainer
from kubectl_refused.model.evidence import SocketEvidence
from kubectl_refused.model.facts import CONTAINER_LISTENERS, EngineKey
from kubectl_refused.model.observation import Listeners
from kubectl_refused.model.scene import Scene

from .sockets import shown


def listeners(scene: Scene, container: EngineContainer) -> Listeners | None:
    """The container's sockets; None where they cannot be had."""
    return scene.maybe(CONTAINER_LISTENERS, EngineKey(container.id))


def sockets_told(container: EngineContainer, found: Listeners) -> SocketEvidence:
    """Every listener of the container."""
    owners = ", ".join(dict.fromkeys(s.owner for s in found.sockets if s.owner))
    told = f"{shown(found.sockets)} LISTEN" if found.sockets else "no TCP listener"
    return SocketEvidence(
        witness=found.witness,
        subject=f"container/{container.called}",
        says=f"{told} in {container.called}" + (f", {owners}" if owners else ""),
        listeners=tuple(dict.fromkeys(s.shown for s in found.sockets)),
        process=owners,
    )
