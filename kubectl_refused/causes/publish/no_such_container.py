"""There is no container of that name.

Why it refuses:
    Nothing was created under that name, or it was removed (--rm removes a container when it ends, with its
    log), or another engine has it: contexts and DOCKER_HOST choose which one is asked.
Confirm:
    docker ps -a
Fix:
    Ask for the container by its right name, or start it.
See:
    https://docs.docker.com/reference/cli/docker/container/ls/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Evidence, Finding, Fix, NearestEvidence, ObjectEvidence
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.engine_objects import SERVICE
from kubectl_refused.trace.nearest import nearest


@cause("KR601", scope=Scope.CONTAINER, produces=Symptom.NO_NAME, since="0.2")
def no_such_container(scene: Scene) -> Iterator[Finding]:
    """Yield when containers were read and none has the name, with the nearest one."""
    target = scene.target
    if scene.container is not None or not scene.snapshot.read("EngineContainer", ""):
        return
    found = scene.snapshot.containers()
    of_compose = target.kind == "Compose"
    names = [(c.config.labels or {}).get(SERVICE, "") if of_compose else c.called for c in found]
    what = f"service {target.name}" + (f" of project {target.namespace}" if target.namespace else "")
    what = what if of_compose else f"container {target.name}"
    many = f"{len(found)} container{'s' * (len(found) != 1)}"
    says = f"{'the files have' if scene.from_files else 'the engine has'} {many} and none is {what}"
    evidence: list[Evidence] = [
        ObjectEvidence(witness="engine", subject=str(target), says=says, field="Names", value=target.name)
    ]
    meant = nearest(target.name, [name for name in names if name])
    if meant:
        told = f"{meant} is the nearest name"
        differs = {"name": (target.name, meant)}
        evidence.append(NearestEvidence(witness="engine", subject=meant, says=told, differs=differs))
    fix = f"Ask for {meant}, or start {target.name}" if meant else f"Start {target.name}, or choose its engine"
    yield Finding(
        where="the engine",
        says=says,
        headline=f"there is no {what}",
        evidence=tuple(evidence),
        fix=Fix(summary=fix),
    )
