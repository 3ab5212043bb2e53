"""A container of the pod exits again and again.

Why it refuses:
    A pod is ready only while all its containers run. One that exits is started anew after a pause that grows to
    five minutes (CrashLoopBackOff); until then its endpoint gets no traffic. The exit code and the last lines
    of the container that ended tell why.
Confirm:
    kubectl logs POD -c CONTAINER --previous
Fix:
    Mend what the log and the exit code name; more memory where it was OOMKilled.
See:
    https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import named, workload_of
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix
from kubectl_refused.model.facts import LOG, WORKLOAD
from kubectl_refused.model.objects import ContainerStateTerminated, Pod
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.containers import containers
from kubectl_refused.trace.exits import exit_told, innermost
from kubectl_refused.trace.log_reasons import telling_line
from kubectl_refused.trace.proofs import field
from kubectl_refused.trace.statuses import Reported, reported
from kubectl_refused.trace.testimonies import log_lines, log_said

_BACK_OFF = ("CrashLoopBackOff", "RunContainerError")


@cause(
    "KR208",
    scope=Scope.PROCESS,
    reads={LOG, WORKLOAD},
    produces={Symptom.NOT_READY, Symptom.NO_LISTENER},
    shows=Symptom.CRASH,
    since="0.1",
)
def crash_loop(scene: Scene) -> Iterator[Finding]:
    """Yield for the first container that is down after an exit, or has just been started anew after a bad one."""
    pod = scene.pod
    if pod is None:
        return
    for container in reported(pod):
        certainty = _certainty(container)
        if certainty:
            yield _finding(scene, pod, container, certainty)
            return


def _certainty(container: Reported) -> Certainty | None:
    """Proved while the container is down, likely while it is up again and not ready, else no fault."""
    status, ended = container.status, container.last_exit
    if status.state.waiting and status.state.waiting.reason in _BACK_OFF:
        return Certainty.PROVED
    if ended is None or ended.exit_code == 0:
        return None
    if status.state.terminated:
        return Certainty.PROVED
    return Certainty.LIKELY if status.restart_count and not status.ready and not container.init else None


def _finding(scene: Scene, pod: Pod, container: Reported, certainty: Certainty) -> Finding:
    status, ended = container.status, container.last_exit
    line, previous = _last_words(scene, pod, container)
    reason = exit_told(ended) if ended else "it does not start"
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
        says=f"{container.shown} exits: {reason}",
        headline=f"{container.shown} keeps exiting" + (f" with {_short(ended)}" if ended else ""),
        certainty=certainty,
        evidence=tuple(evidence),
        fix=Fix(summary=f"{_cure(pod, container, line)} ({owner})", owner=owner),
    )


def _last_words(scene: Scene, pod: Pod, container: Reported) -> tuple[str | None, bool]:
    """(the telling line, whether of the run before): a container that is down may still hold its own log."""
    name = container.status.name
    ended = container.last_exit
    if ended and ended.reason in ("StartError", "ContainerCannotRun", "OOMKilled"):
        return None, False  # nothing of its own was run, or nothing was let it say
    if container.status.restart_count and (line := telling_line(log_lines(scene, pod, name, previous=True))):
        return line, True
    return telling_line(log_lines(scene, pod, name, previous=False)), False


def _short(ended: ContainerStateTerminated) -> str:
    return "OOMKilled" if ended.reason == "OOMKilled" else f"exit code {ended.exit_code}"


def _cure(pod: Pod, container: Reported, line: str | None) -> str:
    ended, name = container.last_exit, container.status.name
    if ended and ended.reason == "OOMKilled":
        limits = ((c.resources.limits if c.resources else None) or {} for c in containers(pod) if c.name == name)
        limit = next((str(found["memory"]) for found in limits if "memory" in found), "")
        return f"Raise the memory limit of {container.shown}" + (f" above {limit}" if limit else "")
    if ended and ended.reason in ("StartError", "ContainerCannotRun"):
        return f"Correct the command of {container.shown}: {innermost(ended.message)}"
    if ended and ended.exit_code == 0:
        return f"Keep the server of {container.shown} in the foreground"
    return f"Mend {container.shown}: {line or 'its log has no line that tells why'}"
