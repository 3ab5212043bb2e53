"""The liveness probe fails, so the kubelet kills the container again and again.

Why it refuses:
    A container whose liveness (or startup) probe fails too often is stopped and started anew, after a pause that
    grows to five minutes (CrashLoopBackOff). The app may be well: a probe of a wrong port or path, or one that
    asks before the app has started, kills it all the same. From the exit code (137, 143, or 0 for a server that
    ends politely) alone this looks like a crash; the kubelet's Killing event names the probe.
Confirm:
    kubectl get events --field-selector involvedObject.name=POD,reason=Killing    # failed liveness probe
Fix:
    Probe what the app answers, or give it time: a startupProbe, a higher failureThreshold.
See:
    https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import named, workload_of
from kubectl_refused.fixes.probe import probe_port_change
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix
from kubectl_refused.model.facts import EVENTS, HANDSHAKE, LISTENERS, WORKLOAD
from kubectl_refused.model.objects import Container, Event, Pod, Probe
from kubectl_refused.model.scene import Scene
from kubectl_refused.patterns import lazily
from kubectl_refused.trace.containers import containers, probe_port, resolve_target_port, said_listeners
from kubectl_refused.trace.crashes import down
from kubectl_refused.trace.exits import exit_told, innermost
from kubectl_refused.trace.proofs import field
from kubectl_refused.trace.statuses import Reported, reported, seconds
from kubectl_refused.trace.testimonies import event_said, events_saying

# Seconds between the kubelet's Killing and the end: the grace period, and clocks read to the second.
LONGEST_GRACE = 300.0
ROUNDED = 2.0
_KILLED = r"^Container {name} failed (liveness|startup) probe"  # kuberuntime_manager.go, computePodActions
_STATUS = lazily(r"statuscode: (\d{3})")
_LATE = lazily(r"deadline exceeded|i/o timeout|Client\.Timeout|timed out|timeout:")


@cause(
    "KR410",
    scope=Scope.PROCESS,
    reads={EVENTS, HANDSHAKE, LISTENERS, WORKLOAD},
    produces={Symptom.NOT_READY, Symptom.NO_LISTENER, Symptom.CRASH},
    since="0.2",
    needs_symptom=True,
)
def liveness_probe_kills_container(scene: Scene) -> Iterator[Finding]:
    """Yield for the first container that is down, or has hardly come back, since a probe of it failed."""
    pod = scene.pod
    if pod is None:
        return
    for container in [r for r in reported(pod) if r.last_exit and r.last_exit.reason != "OOMKilled"]:
        certainty = down(scene, container)
        killing = _killing(scene, pod, container) if certainty else None
        if certainty and killing:
            yield _finding(scene, pod, container, killing, certainty)
            return


def _killing(scene: Scene, pod: Pod, container: Reported) -> Event | None:
    """The kubelet's last word before the container's last end, where it names a probe."""
    events = events_saying(scene, pod, _KILLED.format(name=re.escape(container.status.name)))
    killed = seconds(events[-1].last_timestamp or events[-1].event_time) if events else None
    ended = seconds(container.last_exit.finished_at) if container.last_exit else None
    if killed is None or ended is None:
        return events[-1] if events else None
    return events[-1] if -ROUNDED <= ended - killed <= LONGEST_GRACE else None


def _finding(scene: Scene, pod: Pod, container: Reported, killing: Event, certainty: Certainty) -> Finding:
    found = re.match(_KILLED.format(name=re.escape(container.status.name)), killing.message)
    kind = found[1] if found else "liveness"
    failures = events_saying(scene, pod, rf"^{kind.capitalize()} probe failed")
    why = _why(failures[-1].message.partition("probe failed:")[2].strip()) if failures else "it fails"
    ended, restarts = container.last_exit, container.status.restart_count
    subject, name = f"pod/{pod.metadata.name}", container.shown
    evidence: list[Evidence] = [event_said(pod, killing), *(event_said(pod, e) for e in failures[-1:])]
    if ended:
        says = f"{name} ended with {exit_told(ended).split(' (')[0]}, restarted {restarts} times"
        state = f"{container.field}.lastState.terminated"
        evidence.append(field(scene, subject, state, ended.exit_code, says))
    return Finding(
        where=f"{name} of {subject}",
        says=f"the kubelet kills {name}: its {kind} probe fails ({why})",
        headline=f"its {kind} probe kills {name} again and again: {why}",
        certainty=certainty,
        evidence=tuple(evidence),
        fix=_fix(scene, pod, container.status.name, kind, why),
    )


def _why(message: str) -> str:
    if status := _STATUS.search(message):
        return f"HTTP status {status[1]}"
    if refused := re.search(r"dial tcp \S+:(\d+): connect: connection refused", message):
        return f"port {refused[1]} refuses it"
    return "no answer in time" if _LATE.search(message) else innermost(message) or "it fails"


def _fix(scene: Scene, pod: Pod, name: str, kind: str, why: str) -> Fix:
    workload, metadata, _ = workload_of(scene, pod)
    owner, place = named(workload, metadata.name), f"{kind}Probe"
    container = next((c for c in containers(pod) if c.name == name), None)
    probe = (container.liveness_probe if kind == "liveness" else container.startup_probe) if container else None
    if container is None or probe is None:
        return Fix(summary=f"Mend the {place} of container {name} ({owner})", owner=owner)
    aimed = resolve_target_port(pod, scene.port) if scene.port else None
    if "refuses" in why and aimed and not _serves(container, probe, aimed):
        return probe_port_change(scene, pod, container, field=place, probe=probe, meant=aimed)
    if "refuses" in why or "time" in why:
        cure = f"Give container {name} more time than its {place} does: a startupProbe, a higher failureThreshold"
    elif "HTTP status" in why:
        cure = f"Let the {place} of container {name} ask for what the app answers with 200"
    else:
        cure = f"Mend what the {place} of container {name} asks for"
    return Fix(summary=f"{cure} ({owner})", owner=owner)


def _serves(container: Container, probe: Probe, aimed: int) -> bool:
    """Whether the pod's own spec says that the probed port is served: by name, containerPort or flag."""
    port = probe_port(container, probe)
    declared = [p for p in container.ports or () if port in (p.name, p.container_port)]
    return port == aimed or bool(declared) or any(said == port for _, said in said_listeners(container))
