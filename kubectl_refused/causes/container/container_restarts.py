"""The container ends again and again, and the engine starts it anew.

Why it refuses:
    Between two starts nobody listens, and the pauses grow from 100 ms to a minute. While it starts its port may
    be published and nobody behind it: through localhost that is an accept that closes at once.
Confirm:
    docker ps --filter name=NAME    # Restarting
    docker logs --tail 20 NAME
Fix:
    Mend what the log tells.
See:
    https://docs.docker.com/engine/containers/start-containers-automatically/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.facts import CONTAINER_LOG
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.engine_objects import started_before
from kubectl_refused.trace.engine_proofs import failed_ways, inspected, said, way_packets

YOUNG = 10.0  # seconds: the engine forgets earlier restarts once a container ran so long (moby restartmanager)


@cause(
    "KR613",
    scope=Scope.CONTAINER,
    reads={CONTAINER_LOG},
    produces=(Symptom.CRASH, Symptom.RST, Symptom.NO_LISTENER),
    shows=Symptom.CRASH,
    since="0.2",
)
def container_restarts(scene: Scene) -> Iterator[Finding]:
    """Yield when it waits for its next start, or had just been started again and its dials failed."""
    container = scene.container
    if container is None or container.state.oom_killed:
        return
    waits = container.state.status == "restarting"
    again = container.state.status == "running" and container.restart_count > 0 and bool(failed_ways(scene))
    if not waits and not (again and started_before(scene, container) < YOUNG):
        return
    code, count = container.state.exit_code, container.restart_count
    says = f"{container.called} ends again and again, {count} restart{'s' * (count != 1)} so far"
    told = f"{says}, with exit code {code}" if waits else says
    yield Finding(
        where=f"container {container.called}",
        says=told,
        headline=f"the container ends again and again{f' with exit code {code}' if waits else ''}",
        evidence=(
            inspected(scene, container, "RestartCount", count, told),
            *said(scene, container),
            *way_packets(scene),
        ),
        fix=Fix(summary=f"Mend what the log of {container.called} tells"),
    )
