"""A container of the pod exits again and again.

Why it refuses:
    A pod is ready only while all its containers run. One that exits is started anew after a pause that grows to
    five minutes (CrashLoopBackOff); until then its endpoint gets no traffic. The exit code and the last lines
    of the container that ended tell why.
Confirm:
    kubectl logs POD -c CONTAINER --previous
Fix:
    Mend what the log and the exit code name.
See:
    https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import named, workload_of
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, LISTENERS, LOG, WORKLOAD, ContainerKey
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.crashes import down
from kubectl_refused.trace.exits import exit_told, innermost
from kubectl_refused.trace.log_reasons import telling_line
from kubectl_refused.trace.proofs import field
from kubectl_refused.trace.statuses import Reported, reported
from kubectl_refused.trace.testimonies import log_lines, log_said


@cause(
    "KR208",
    scope=Scope.PROCESS,
    reads={HANDSHAKE, LISTENERS, LOG, WORKLOAD},
    produces={Symptom.NOT_READY, Symptom.NO_LISTENER},
    shows=Symptom.CRASH,
    since="0.1",
    needs_symptom=True,
)
def crash_loop(scene: Scene) -> Iterator[Finding]:
    """Yield for the first container that is down after an exit, or has just been started anew after a bad one."""
    pod = scene.pod
    if pod is None:
        return
    for container in reported(pod):
        if container.last_exit and container.last_exit.reason == "OOMKilled":
            continue  # the kernel ended it: KR411's
        certainty = down(scene, container)
        if certainty:
            yield _finding(scene, pod, container, certainty)
            return


def _finding(scene: Scene, pod: Pod, container: Reported, certainty: Certainty) -> Finding:
    status, ended = container.status, container.last_exit
    line, previous = _last_words(scene, pod, container)
    reason = exit_told(ended) if ended else _not_started(container)
    times = f"restarted {status.restart_count} times, " if status.restart_count > 1 else ""
    evidence: list[Evidence] = [
        field(
            scene,
            f"pod/{pod.metadata.name}",
            f"{container.field}.lastState.terminated",
            ended.exit_code if ended else None,
            f"{container.shown}: {times}{reason}",
        )
    ]
    if line:
        evidence.append(log_said(pod, status.name, line, previous=previous))
    kind, metadata, _ = workload_of(scene, pod)
    owner = named(kind, metadata.name)
    return Finding(
        where=f"{container.shown} of pod/{pod.metadata.name}",
        says=f"{container.shown} is down: {reason}",
        headline=_headline(container),
        certainty=certainty,
        evidence=tuple(evidence),
        fix=Fix(summary=f"{_cure(scene, pod, container, line)} ({owner})", owner=owner),
    )


def _last_words(scene: Scene, pod: Pod, container: Reported) -> tuple[str | None, bool]:
    """(the telling line, whether of the run before): a container that is down may still hold its own log."""
    name = container.status.name
    ended = container.last_exit
    if ended and ended.reason in ("StartError", "ContainerCannotRun"):
        return None, False  # nothing of its own was run
    if container.status.restart_count and (line := telling_line(log_lines(scene, pod, name, previous=True))):
        return line, True
    return telling_line(log_lines(scene, pod, name, previous=False)), False


def _headline(container: Reported) -> str:
    ended = container.last_exit
    if ended is None or ended.reason in ("StartError", "ContainerCannotRun"):
        return f"{container.shown} cannot be started"
    return f"{container.shown} keeps exiting: exit code {ended.exit_code}"


def _not_started(container: Reported) -> str:
    """The runtime's words for a container that has not run even once."""
    waiting = container.status.state.waiting
    return innermost(waiting.message) if waiting and waiting.message else "it does not start"


def _speechless(scene: Scene, pod: Pod, container: str) -> str:
    """Why no line of the log is told: none tells, or nobody could read it."""
    keys = [
        ContainerKey(pod.metadata.namespace, pod.metadata.name, container, earlier) for earlier in (True, False)
    ]
    logs = [scene.known(LOG, key) for key in keys]
    if any(log is not None for log in logs):
        return "its log has no line that tells why"
    return "its log may tell why, and was not read"


def _cure(scene: Scene, pod: Pod, container: Reported, line: str | None) -> str:
    ended, name = container.last_exit, container.status.name
    if ended is None or ended.reason in ("StartError", "ContainerCannotRun"):
        why = innermost(ended.message) if ended else _not_started(container)
        return f"Correct the command of {container.shown}: {why}"
    if ended.exit_code == 0:
        return f"Keep the server of {container.shown} in the foreground"
    return f"Mend {container.shown}: {line or _speechless(scene, pod, name)}"
