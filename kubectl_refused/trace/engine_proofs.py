"""Evidence that causes about containers without Kubernetes give, said in one way. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_refused.model.containers import EngineContainer
from kubectl_refused.model.evidence import Evidence, LogEvidence, ObjectEvidence
from kubectl_refused.model.facts import CONTAINER_LOG, EngineKey
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene

from .log_reasons import telling_line
from .proofs import packet

MOST_WAYS = 3


def subject_of(container: EngineContainer) -> str:
    """`container/web`."""
    return f"container/{container.called}"


def inspected(scene: Scene, container: EngineContainer, path: str, value: object, says: str) -> ObjectEvidence:
    """A field as `docker inspect` shows it, or as the compose file has it."""
    witness = "files" if scene.from_files else "engine"
    return ObjectEvidence(witness=witness, subject=subject_of(container), says=says, field=path, value=value)


def failed_ways(scene: Scene) -> tuple[Handshake, ...]:
    """The dials of the client that were not accepted."""
    seen = (scene.handshake(dial) for dial in scene.ways)
    return tuple(one for one in seen if one and one.outcome is not Outcome.ACCEPTED)


def way_packets(scene: Scene) -> Sequence[Evidence]:
    """How the client's dials ended: localhost and the host's own address may well differ (docker-proxy, DNAT)."""
    return [packet(scene, one) for one in failed_ways(scene)[:MOST_WAYS]]


def said(scene: Scene, container: EngineContainer) -> Sequence[Evidence]:
    """The line of its log that tells most; none where it wrote nothing, or nobody can tell."""
    log = scene.maybe(CONTAINER_LOG, EngineKey(container.id))
    line = telling_line(log.lines) if log else None
    if not line:
        return []
    told = LogEvidence(witness="log", subject=subject_of(container), says="its log ends with", line=line)
    return [told]


def dead(scene: Scene) -> bool:
    """Whether the container is not there to answer: then nothing of its ports is a fault of theirs."""
    return scene.container is not None and scene.container.state.status not in ("running", "paused", "")
