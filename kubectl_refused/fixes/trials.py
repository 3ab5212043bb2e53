"""A fix is tried before it is told: its patch as a server-side dry run, the ports it leads to by a dial. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable

from msgspec.structs import replace

from kubectl_refused.model.evidence import Destination, Fix, PatchRequest, TrialEvidence
from kubectl_refused.model.facts import DRY_RUN, FORWARD, HANDSHAKE, Dial, Need, PatchKey, PodPort
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Pod, ServicePort
from kubectl_refused.model.observation import DryRun, Handshake, Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.containers import resolve_target_port
from kubectl_refused.trace.statuses import running

# Pods that a selector leads to are alike: this many are dialled.
MOST_TRIED = 3


def patch_key(request: PatchRequest) -> PatchKey:
    """The subject of the request's dry run."""
    return PatchKey(request.path, json.dumps(request.body, separators=(",", ":")), request.type)


def destinations(scene: Scene, pods: Iterable[Pod], port: ServicePort | None = None) -> tuple[Destination, ...]:
    """Where the Service's port (or `port`, the same one changed) leads in pods that run and have an address."""
    wanted = port or scene.port
    if wanted is None:
        return ()
    found: list[Destination] = []
    for pod in pods:
        number, address = resolve_target_port(pod, wanted), _address(scene, pod)
        if number and address and running(pod) and pod.metadata.deletion_timestamp is None:
            namespace, name = pod.metadata.namespace, pod.metadata.name
            found.append(Destination(namespace=namespace, pod=name, address=address, port=number))
    return tuple(found[:MOST_TRIED])


def trials(scene: Scene, fix: Fix) -> list[Need]:
    """What is to be learnt before the fix is told, and was not asked yet.

    A patch that is not printed, as it belongs into its source, is not tried either.
    """
    needs: list[Need] = []
    if fix.request is not None and fix.command is not None:
        needs.append(Need(DRY_RUN, patch_key(fix.request)))
    needs += [_dial(scene, destination) for destination in fix.leads_to]
    return [need for need in needs if scene.facts.get(need.fact, need.subject) is None]


def tried(scene: Scene, fix: Fix) -> tuple[Fix, tuple[TrialEvidence, ...]]:
    """The fix and how its trials went; one that the API server refuses says so, and has no command any more."""
    evidence = [*_ports(scene, fix)]
    seen = scene.known(DRY_RUN, patch_key(fix.request)) if fix.request and fix.command else None
    if fix.request is None or seen is None:
        return fix, tuple(evidence)
    evidence.append(_dry_run(fix.request, seen))
    if not seen.accepted:
        fix = replace(fix, summary=f"{fix.summary}; but the API server refuses this patch", command=None)
    return fix, tuple(evidence)


def untried(scene: Scene, fix: Fix) -> Gap | None:
    """Why the patch could not be tried, where it is worth telling.

    Who may not patch knows it, and diagnoses all the same: a missing right to change things is no gap in that.
    """
    if fix.request is None or fix.command is None:
        return None
    seen = scene.facts.get(DRY_RUN, patch_key(fix.request))
    return seen if isinstance(seen, Gap) and not seen.because.startswith("forbidden") else None


def _dry_run(request: PatchRequest, seen: DryRun) -> TrialEvidence:
    told = "server-side dry run accepted"
    if not seen.accepted:
        told = f"server-side dry run refused: {seen.message}" if seen.message else "server-side dry run refused"
    subject = f"{request.kind.lower()}/{request.name}"
    return TrialEvidence(witness="api server", subject=subject, says=told, worked=seen.accepted)


def _dial(scene: Scene, to: Destination) -> Need:
    """From where the path was dialled. Where objects alone prove the root, nothing is created for the trial."""
    if scene.vantage.kind == "objects":
        return Need(FORWARD, PodPort(to.namespace, to.pod, to.port))
    return Need(HANDSHAKE, Dial(to.address, to.port, scene.vantage.key))


def _ports(scene: Scene, fix: Fix) -> Iterable[TrialEvidence]:
    """One claim about all ports that were dialled."""
    asked = [(to, _seen(scene, to)) for to in fix.leads_to]
    seen = [(to, handshake) for to, handshake in asked if handshake is not None]
    if not seen:
        return
    good = sum(handshake.outcome is Outcome.ACCEPTED for _, handshake in seen)
    to, first = seen[0]
    ports = ", ".join(str(port) for port in sorted({to.port for to, _ in seen}))
    inside = " inside the pod" if first.witness == "port-forward" else ""
    if len(seen) > 1:
        says = f"{good} of {len(seen)} pods that it leads to accept on port {ports}{inside and ' inside'}"
    else:
        says = f"pod/{to.pod} {'accepts' if good else first.outcome.value} on port {ports}{inside}"
    yield TrialEvidence(witness=first.witness, subject=f"pod/{to.pod}", says=says, worked=good > 0)


def _seen(scene: Scene, to: Destination) -> Handshake | None:
    """The dial from the path's own vantage before the one inside the pod, which loopback answers too."""
    dialled = scene.known(HANDSHAKE, Dial(to.address, to.port, scene.vantage.key))
    return dialled or scene.known(FORWARD, PodPort(to.namespace, to.pod, to.port))


def _address(scene: Scene, pod: Pod) -> str:
    """The pod's address in the family of the path, empty without one."""
    status = pod.status
    known = [entry.ip for entry in (status.pod_ips or ())] if status else []
    known += [status.pod_ip] if status and status.pod_ip else []
    return next((a for a in known if a and (":" in a) == (scene.family == "IPv6")), "")
