"""The process may not bind its port, which is under 1024.

Why it refuses:
    Without root and CAP_NET_BIND_SERVICE the kernel denies ports below net.ipv4.ip_unprivileged_port_start
    (1024 by default): bind fails with EACCES, and the server exits or runs on without listening. The number
    alone proves nothing: containerd 2.0 and Docker 20.10 set that start to 0. The log line does.
Confirm:
    kubectl logs POD -c CONTAINER [--previous]    # permission denied, at bind
Fix:
    Listen on a port from 1024 up and set targetPort to it, or set that sysctl in the pod's securityContext.
See:
    https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/#safe-and-unsafe-sysctls
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.low_port import low_port_change
from kubectl_refused.model.evidence import Evidence, Finding
from kubectl_refused.model.facts import HANDSHAKE, LISTENERS, LOG, WORKLOAD
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.bind_failures import Failed, failed_binds
from kubectl_refused.trace.containers import containers
from kubectl_refused.trace.log_reasons import bind_denied
from kubectl_refused.trace.proofs import field


@cause(
    "KR413",
    scope=Scope.PROCESS,
    reads={HANDSHAKE, LISTENERS, LOG, WORKLOAD},
    produces={Symptom.CRASH, Symptom.NO_LISTENER},
    since="0.1",
    needs_symptom=True,
)
def low_port_denied(scene: Scene) -> Iterator[Finding]:
    """Yield when a server that is down, or does not listen, said that it may not bind a port under 1024."""
    pod = scene.pod
    if pod is None:
        return
    for failed in failed_binds(scene, pod, bind_denied):
        if not 0 < failed.port < 1024:
            continue
        user = _user(pod, failed)
        evidence: list[Evidence] = list(failed.evidence)
        if user is not None:
            says = f"container {failed.container} runs as user {user}"
            evidence.append(field(scene, f"pod/{pod.metadata.name}", "securityContext.runAsUser", user, says))
        who = f"user {user}" if user else "its user"
        yield Finding(
            where=f"container {failed.container} of pod/{pod.metadata.name}",
            says=f"container {failed.container} wants port {failed.port}; {who} may not bind it",
            headline=f"the app may not bind port {failed.port}, which is under 1024",
            certainty=failed.certainty,
            evidence=tuple(evidence),
            fix=low_port_change(scene, pod, failed.port),
        )


def _user(pod: Pod, failed: Failed) -> int | None:
    """The user the spec sets, the container's before the pod's."""
    own = next((c.security_context for c in containers(pod) if c.name == failed.container), None)
    if own and own.run_as_user is not None:
        return own.run_as_user
    return pod.spec.security_context.run_as_user if pod.spec.security_context else None
