"""The container's own health check fails, and so do connections.

Why it refuses:
    The engine tells what the check said and does nothing about it: an unhealthy container keeps running and
    keeps its ports. Where connections fail too, the check's output is the app's own account of why.
Confirm:
    docker inspect -f '{{json .State.Health}}' NAME
Fix:
    Mend what the check says.
See:
    https://docs.docker.com/reference/dockerfile/#healthcheck
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE
from kubectl_refused.model.scene import Scene
from kubectl_refused.text import mask, one_line
from kubectl_refused.trace.engine_proofs import failed_ways, inspected, way_packets


@cause("KR615", scope=Scope.CONTAINER, reads={HANDSHAKE}, shows=Symptom.NO_LISTENER, since="0.2")
def container_unhealthy(scene: Scene) -> Iterator[Finding]:
    """Yield when the check fails and dials do; what is wrong with the sockets says more, where that is known."""
    container = scene.container
    if container is None or container.state.status != "running" or container.state.health is None:
        return
    health = container.state.health
    if health.status != "unhealthy":
        return
    for dial in scene.ways:
        scene.maybe(HANDSHAKE, dial)
    if not failed_ways(scene):
        return
    last = health.log[-1] if health.log else None
    output = one_line(mask(last.output)) if last else ""
    says = f"its health check fails{f', with exit code {last.exit_code}' if last else ''}"
    told = f"{says}: {output}" if output else says
    yield Finding(
        where=f"container {container.called}",
        says=f"{container.called} is unhealthy: {says}",
        headline="its own health check fails",
        certainty=Certainty.LIKELY,
        evidence=(inspected(scene, container, "State.Health.Status", "unhealthy", told), *way_packets(scene)),
        fix=Fix(summary=f"Mend what the health check of {container.called} says"),
    )
