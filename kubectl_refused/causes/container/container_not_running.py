"""The container does not run.

Why it refuses:
    Its main process has ended, or it was never started; with it go its network and every published port, so the
    host's kernel answers RST. A server that puts itself into the background ends its container with exit code
    0.
Confirm:
    docker ps -a --filter name=NAME
    docker logs --tail 20 NAME
Fix:
    Mend what the log tells, then start it.
See:
    https://docs.docker.com/engine/containers/run/#exit-status
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.facts import CONTAINER_LOG
from kubectl_refused.model.scene import Scene
from kubectl_refused.text import one_line
from kubectl_refused.trace.engine_objects import ending_told
from kubectl_refused.trace.engine_proofs import inspected, said, way_packets


@cause(
    "KR611",
    scope=Scope.CONTAINER,
    reads={CONTAINER_LOG},
    produces=(Symptom.CRASH, Symptom.RST),
    shows=Symptom.CRASH,
    since="0.2",
)
def container_not_running(scene: Scene) -> Iterator[Finding]:
    """Yield with the exit code, the engine's own word, and the line of the log that tells most."""
    container = scene.container
    if container is None or container.state.status not in ("exited", "created", "dead", "removing"):
        return
    state = container.state
    told = ending_told(state)
    error = f"; the engine says: {one_line(state.error)}" if state.error else ""
    proof = inspected(scene, container, "State.Status", state.status, f"{container.called} {told}{error}")
    log = said(scene, container) if state.status != "created" else []
    yield Finding(
        where=f"container {container.called}",
        says=f"{container.called} {told}",
        headline=f"the container {told}",
        evidence=(proof, *log, *way_packets(scene)),
        fix=_fix(scene.snapshot.engine.tool, container.called, mend=bool(log) or state.exit_code != 0),
    )


def _fix(tool: str, name: str, *, mend: bool) -> Fix:
    first = "Mend what its log tells, then start" if mend else "Keep the server in the foreground, and start"
    return Fix(summary=f"{first} {name}", command=f"{tool} start {name}")
