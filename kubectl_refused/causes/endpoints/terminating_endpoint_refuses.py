"""Traffic still goes to a pod that is being deleted and no longer listens.

Why it refuses:
    A pod that is deleted gets SIGTERM at once, while every node still has to learn that its endpoint is going. A
    server that closes its port on SIGTERM refuses what arrives until then. And where no endpoint is ready any
    more, the service proxies send traffic to terminating ones that are still serving on purpose (KEP-1669): for as
    long as the grace period lasts, which hurts if the server is gone and only its process lingers.
Confirm:
    kubectl get endpointslices -l kubernetes.io/service-name=NAME -o yaml    # terminating: true, serving: true
Fix:
    Keep listening for some seconds after SIGTERM (a preStop sleep), and have another pod ready first.
See:
    https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#conditions
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import container_change, workload_of
from kubectl_refused.model.evidence import Certainty, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, WORKLOAD
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Endpoint, Scene
from kubectl_refused.trace.containers import containers, declares
from kubectl_refused.trace.proofs import field, packet

SLEEP = 10  # seconds: what a cluster usually needs until every node knows
MOST_DIALS = 4


@cause(
    "KR222",
    scope=Scope.ROUTE,
    reads={HANDSHAKE, WORKLOAD},
    produces={Symptom.RST, Symptom.NO_LISTENER},
    since="0.2",
    needs_symptom=True,
)
def terminating_endpoint_refuses(scene: Scene) -> Iterator[Finding]:
    """Yield for an endpoint that gets traffic, whose pod is being deleted, and that does not accept."""
    for endpoint in list(_given_traffic(scene))[:MOST_DIALS]:
        pod = endpoint.pod
        if pod is None:
            continue
        _, _, workload = workload_of(scene, pod)
        if workload is not None and workload.spec.replicas == 0:
            continue  # nobody is to take its place: that is the fault
        seen = scene.maybe(HANDSHAKE, scene.at_endpoint(endpoint).endpoint_dial)
        if seen is not None and seen.outcome is Outcome.REFUSED:
            yield _finding(scene, endpoint, pod, seen)
            return


def _given_traffic(scene: Scene) -> Iterator[Endpoint]:
    """Endpoints of pods that are being deleted: ready ones; where none is and no pod will be, serving ones."""
    ready = scene.ready_endpoints
    waits = any(p.metadata.deletion_timestamp is None for p in scene.pods)
    for endpoint in ready or (() if waits else scene.endpoints):
        leaving = endpoint.pod is not None and endpoint.pod.metadata.deletion_timestamp
        if leaving and endpoint.port is not None and endpoint.serving:
            yield endpoint


def _finding(scene: Scene, endpoint: Endpoint, pod: Pod, seen: Handshake) -> Finding:
    subject, port = f"pod/{pod.metadata.name}", endpoint.port
    until = pod.metadata.deletion_timestamp
    left = "" if scene.ready_endpoints else ", and no other is ready"
    conditions = f"terminating: {str(endpoint.terminating).lower()}, serving: {str(endpoint.serving).lower()}"
    return Finding(
        where=subject,
        says=f"{subject} is being deleted and refuses on {port}, yet it gets traffic{left}",
        headline=f"its traffic goes to a pod that is being deleted and no longer listens{left}",
        certainty=Certainty.PROVED if seen.first_hand else Certainty.LIKELY,
        evidence=(
            field(scene, subject, "metadata.deletionTimestamp", until, f"it is being deleted, until {until}"),
            field(scene, f"endpointslice/{endpoint.slice_name}", "endpoints[].conditions", conditions, conditions),
            packet(scene, seen),
        ),
        fix=_fix(scene, pod, port),
    )


def _fix(scene: Scene, pod: Pod, port: int | None) -> Fix:
    """spec.containers[].lifecycle.preStop.sleep is part of Kubernetes since 1.29 (KEP-3960)."""
    kind, _, _ = workload_of(scene, pod)
    name = (declares(pod, port) if port else None) or next((c.name for c in containers(pod)), "")
    if kind == "Pod":
        return Fix(summary="Have another pod ready before this one is deleted, best by a Deployment's rollout")
    fields = {"lifecycle": {"preStop": {"sleep": {"seconds": SLEEP}}}}
    return container_change(scene, pod, name, f"Let it serve {SLEEP} s longer by a preStop sleep", fields)
