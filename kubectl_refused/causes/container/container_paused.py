"""The container is paused: connections are made, and never answered.

Why it refuses:
    Its processes are frozen, its sockets are not: the kernel completes the handshake for them, and docker-proxy
    does on localhost. Whoever connects waits for an answer until it gives up.
Confirm:
    docker inspect -f '{{.State.Status}}' NAME    # paused
Fix:
    Unpause it.
See:
    https://docs.docker.com/reference/cli/docker/container/pause/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.engine_proofs import inspected


@cause("KR614", scope=Scope.CONTAINER, produces=(Symptom.HANGING, Symptom.SILENCE), since="0.2")
def container_paused(scene: Scene) -> Iterator[Finding]:
    """Yield when the engine says so."""
    container = scene.container
    if container is None or container.state.status != "paused":
        return
    says = f"{container.called} is paused: its kernel accepts, and nobody answers"
    yield Finding(
        where=f"container {container.called}",
        says=says,
        headline="the container is paused, so nobody answers what its kernel accepts",
        evidence=(inspected(scene, container, "State.Status", "paused", says),),
        fix=Fix(
            summary=f"Unpause {container.called}",
            command=f"{scene.snapshot.engine.tool} unpause {container.called}",
        ),
    )
