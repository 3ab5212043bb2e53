"""The engine is on another machine, and so are the ports it publishes.

Why it refuses:
    DOCKER_HOST or the context leads to an engine elsewhere: a server, a virtual machine, Docker in Docker of a
    CI job. Ports are published on the engine's machine; on this one nobody listens, and localhost answers RST.
Confirm:
    docker context ls; echo $DOCKER_HOST
Fix:
    Dial the engine's host instead of localhost.
See:
    https://docs.docker.com/engine/manage-resources/contexts/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Finding, Fix, ObjectEvidence
from kubectl_refused.model.facts import HANDSHAKE
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.engine_objects import client_in
from kubectl_refused.trace.engine_proofs import failed_ways, way_packets


@cause("KR618", scope=Scope.CONTAINER, reads={HANDSHAKE}, produces=Symptom.RST, since="0.2")
def engine_elsewhere(scene: Scene) -> Iterator[Finding]:
    """Yield when localhost fails and the engine's host accepts; likely where only the first is known."""
    container, port, engine = scene.container, scene.published, scene.snapshot.engine
    if container is None or port is None or not port.places or not engine.host or client_in(scene):
        return
    seen = {dial.host: scene.maybe(HANDSHAKE, dial) for dial in scene.ways}
    there = seen.get(engine.host)
    if not any(one.host != engine.host for one in failed_ways(scene)):
        return
    accepted = there is not None and there.outcome is Outcome.ACCEPTED
    says = f"the engine is on {engine.host}, and publishes port {port.places[0][1]} there"
    told = f"the engine is reached at {engine.endpoint}"
    proof = ObjectEvidence(witness="engine", subject="engine", says=told, field="endpoint", value=engine.endpoint)
    yield Finding(
        where=f"container {container.called}",
        says=says,
        headline=f"its port is published on {engine.host}, and not on this machine",
        certainty=Certainty.PROVED if accepted else Certainty.LIKELY,
        evidence=(proof, *way_packets(scene)),
        fix=Fix(summary=f"Dial {engine.host}:{port.places[0][1]}"),
    )
