"""The server's port is taken already inside its pod.

Why it refuses:
    All containers of a pod share one network namespace, and one address and port takes one listener. The
    second bind fails with EADDRINUSE; the server exits (a crash loop), or runs on without listening.
Confirm:
    kubectl logs POD -c CONTAINER [--previous]    # address already in use
Fix:
    Give the two servers different ports, or stop the one that should not be there.
See:
    https://man7.org/linux/man-pages/man2/bind.2.html
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import named, workload_of
from kubectl_refused.model.evidence import Evidence, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, LISTENERS, LOG, WORKLOAD
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.bind_failures import Failed, failed_binds, wanted_by
from kubectl_refused.trace.log_reasons import address_in_use as in_use
from kubectl_refused.trace.proofs import field


@cause(
    "KR412",
    scope=Scope.PROCESS,
    reads={HANDSHAKE, LISTENERS, LOG, WORKLOAD},
    produces={Symptom.CRASH, Symptom.NO_LISTENER},
    since="0.1",
    needs_symptom=True,
)
def address_in_use(scene: Scene) -> Iterator[Finding]:
    """Yield when a server that is down, or does not listen, said that its address is in use."""
    if scene.pod is None:
        return
    for failed in failed_binds(scene, scene.pod, in_use):
        yield _finding(scene, scene.pod, failed)


def _finding(scene: Scene, pod: Pod, failed: Failed) -> Finding:
    rivals = _rivals(pod, failed)
    shown = f"port {failed.port}" if failed.port else "its port"
    where = "on its node" if pod.spec.host_network else "in its pod"
    says = f"container {failed.container} wants {shown}; it found it taken {where}"
    headline = f"the server found {shown} taken {where}"
    evidence: list[Evidence] = list(failed.evidence)
    if rivals:
        both = " and ".join(sorted([failed.container, *rivals]))
        says = headline = f"containers {both} both want port {failed.port}"
        evidence.append(field(scene, f"pod/{pod.metadata.name}", "spec.containers[].ports", failed.port, says))
    kind, metadata, _ = workload_of(scene, pod)
    owner = named(kind, metadata.name)
    cure = f"Give containers {failed.container} and {rivals[0]} different ports" if rivals else (
        f"Give the server of container {failed.container} a port of its own, or stop what holds {shown}"
    )  # fmt: skip
    return Finding(
        where=f"container {failed.container} of pod/{pod.metadata.name}",
        says=says,
        headline=headline,
        certainty=failed.certainty,
        evidence=tuple(evidence),
        fix=Fix(summary=f"{cure} ({owner})", owner=owner),
    )


def _rivals(pod: Pod, failed: Failed) -> list[str]:
    """Other containers whose spec wants the same port."""
    return [name for name in wanted_by(pod).get(failed.port, ()) if name != failed.container]
