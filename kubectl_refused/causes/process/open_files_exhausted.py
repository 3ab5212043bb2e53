"""The process has used up its open files, and cannot accept any connection.

Why it refuses:
    Each connection is a file descriptor. At the limit (RLIMIT_NOFILE) accept(2) fails with EMFILE, or with ENFILE
    where the whole node's table is full: connections stay in the accept queue, clients wait for an answer, and
    once the queue is full they time out. Most servers log it. Leaked descriptors are as likely as many clients.
Confirm:
    kubectl logs POD -c CONTAINER    # too many open files
    kubectl exec POD -- sh -c 'ls /proc/PID/fd | wc -l; grep files /proc/PID/limits'
Fix:
    Close what leaks, or raise the limit (of the container runtime, or in the command: `ulimit -n`); restart it.
See:
    https://man7.org/linux/man-pages/man2/accept.2.html
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.restart import restart
from kubectl_refused.model.evidence import Certainty, Finding
from kubectl_refused.model.facts import EVENTS, HANDSHAKE, LISTENERS, LOG, WORKLOAD
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.containers import containers
from kubectl_refused.trace.log_reasons import out_of_files
from kubectl_refused.trace.proofs import packet
from kubectl_refused.trace.silence import count, queue_told, queued, stalled
from kubectl_refused.trace.testimonies import log_lines, log_said

# Containers whose logs are read; a pod of more is rare, and a log is a request each.
MOST_CONTAINERS = 4


@cause(
    "KR417",
    scope=Scope.ROUTE,
    reads={HANDSHAKE, LISTENERS, EVENTS, LOG, WORKLOAD},
    produces={Symptom.UNACCEPTED, Symptom.RESET, Symptom.HANGING, Symptom.NOT_READY},
    since="0.2",
    needs_symptom=True,
)
def open_files_exhausted(scene: Scene) -> Iterator[Finding]:
    """Yield when an app that does not come to its connections logs EMFILE; connections that wait prove it."""
    for view in stalled(scene):
        found = _said(view, view.pod) if view.pod else None
        if found is not None and view.pod is not None:
            yield _finding(view, view.pod, *found)


def _said(scene: Scene, pod: Pod) -> tuple[str, str] | None:
    """(container, line) of the first container whose log says so."""
    for container in containers(pod)[:MOST_CONTAINERS]:
        line = out_of_files(log_lines(scene, pod, container.name, previous=False))
        if line:
            return container.name, line
    return None


def _finding(scene: Scene, pod: Pod, container: str, line: str) -> Finding:
    handshake = scene.dialled
    assert handshake is not None
    found = queued(scene, pod, handshake)
    waiting = f"; {count(found[1].waiting or 0)} to be accepted" if found else ""
    proof = (queue_told(pod, *found),) if found else ()
    return Finding(
        where=f"container {container} of pod/{pod.metadata.name}",
        says=f"container {container} has too many open files{waiting}",
        headline="the app has too many open files, and accepts no connection",
        certainty=Certainty.PROVED if found else Certainty.LIKELY,
        evidence=(log_said(pod, container, line, previous=False), *proof, packet(scene, handshake)),
        fix=restart(
            scene,
            pod,
            f"Restart container {container}, and close what leaks there or raise its limit of open files",
        ),
    )
