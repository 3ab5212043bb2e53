"""The kernel ended the container for its memory.

Why it refuses:
    It used more than its limit (--memory, mem_limit:), and the kernel killed a process of it. Where that was
    the main one the container has ended, with exit code 137, and nobody listens any more.
Confirm:
    docker inspect -f '{{.State.OOMKilled}} {{.HostConfig.Memory}}' NAME
Fix:
    Raise the limit, or have the app use less.
See:
    https://docs.docker.com/engine/containers/resource_constraints/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.engine_objects import ending_told
from kubectl_refused.trace.engine_proofs import dead, inspected, way_packets


@cause("KR612", scope=Scope.CONTAINER, produces=(Symptom.CRASH, Symptom.RST), since="0.2")
def container_out_of_memory(scene: Scene) -> Iterator[Finding]:
    """Yield when the engine saw the kill and the container is not running."""
    container = scene.container
    if container is None or not container.state.oom_killed or not dead(scene):
        return
    limit = container.host_config.memory
    shown = f" of {limit // 2**20} MiB" if limit else ""
    says = f"{container.called} was killed for its memory: it used more than its limit{shown}"
    told = f"{container.called} {ending_told(container.state)}, OOMKilled"
    proof = inspected(scene, container, "State.OOMKilled", True, told)
    yield Finding(
        where=f"container {container.called}",
        says=says,
        headline=f"the kernel killed it for its memory, whose limit{shown} is too low",
        evidence=(proof, *way_packets(scene)),
        fix=_fix(scene.snapshot.engine.tool, container.called, limit),
    )


def _fix(tool: str, name: str, limit: int) -> Fix:
    more = f"{max(8, 2 * limit // 2**20)}m"
    command = f"{tool} update --memory {more} --memory-swap {more} {name} && {tool} start {name}"
    return Fix(summary=f"Raise the memory limit of {name}, then start it", command=command if limit else None)
