"""A readiness probe names a port that its container does not declare.

Why it refuses:
    The kubelet looks the name up among the ports of the probe's own container, not of its siblings. Where it
    is missing, every probe errors ("strconv.Atoi: parsing …: invalid syntax"), the pod never becomes ready,
    and its endpoint gets no traffic.
Confirm:
    kubectl describe pod POD    # Readiness probe errored and resulted in unknown state
Fix:
    Use a name that the container declares, or the number.
See:
    https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#use-a-named-port
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import named, workload_of
from kubectl_refused.fixes.probe import probe_port_change
from kubectl_refused.model.evidence import Evidence, Finding, Fix
from kubectl_refused.model.facts import EVENTS, WORKLOAD
from kubectl_refused.model.objects import Container, Pod
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.nearest import nearest
from kubectl_refused.trace.probing import Probing, probings, unready_probes
from kubectl_refused.trace.proofs import field, nearest_miss
from kubectl_refused.trace.testimonies import event_said, events_saying


@cause("KR213", scope=Scope.POD, reads={EVENTS, WORKLOAD}, produces=Symptom.NOT_READY, since="0.1")
def probe_port_name_missing(scene: Scene) -> Iterator[Finding]:
    """Yield for each probe whose port is a name that its own container does not have."""
    pod = scene.pod
    if pod is None:
        return
    for probing in probings(pod) if scene.from_files else unready_probes(pod):
        if probing.number is not None:
            continue
        container = probing.container
        offered = {p.name: p.container_port for p in container.ports or () if p.name}
        told = ", ".join(f"{name} ({number})" for name, number in offered.items()) or "no named port"
        says = f"the {probing.field} of container {container.name} dials {probing.port}; it declares {told}"
        subject = f"pod/{pod.metadata.name}"
        evidence: list[Evidence] = [
            field(scene, subject, f"spec.containers[].{probing.field}", probing.port, says)
        ]
        if near := nearest(str(probing.port), offered):
            miss = f"{near} ({offered[near]}) is the nearest name"
            evidence.append(nearest_miss(scene, subject, "port", str(probing.port), near, miss))
        if not scene.from_files:
            errored = events_saying(scene, pod, f'parsing "{re.escape(str(probing.port))}"')
            evidence += [event_said(pod, e) for e in errored[-1:]]
        yield Finding(
            where=f"container {container.name} of {subject}",
            says=f"{probing.field} port {probing.port}; the container declares {told}",
            headline=f"the {probing.kind} probe names port {probing.port}, which its container does not declare",
            evidence=tuple(evidence),
            fix=_fix(scene, pod, probing, _meant(container, str(probing.port))),
        )


def _meant(container: Container, wanted: str) -> int | str | None:
    """The nearest name, else the only TCP port the container declares."""
    ports = [p for p in container.ports or () if p.protocol == "TCP"]
    if near := nearest(wanted, (p.name for p in ports if p.name)):
        return near
    return (ports[0].name or ports[0].container_port) if len(ports) == 1 else None


def _fix(scene: Scene, pod: Pod, probing: Probing, meant: int | str | None) -> Fix:
    container = probing.container
    if meant is not None:
        return probe_port_change(scene, pod, container, field=probing.field, probe=probing.probe, meant=meant)
    kind, metadata, _ = workload_of(scene, pod)
    owner = named(kind, metadata.name)
    return Fix(
        summary=f"Declare port {probing.port} in container {container.name}, or probe by number ({owner})",
        owner=owner,
    )
