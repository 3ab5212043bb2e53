"""An endpoint's address belongs to another pod by now.

Why it refuses:
    Addresses of pods are given out again. An endpoint that outlives its pod (a slice that a person wrote, a
    controller that is down, a StatefulSet's pod made anew under its old name) leads to whoever has the address
    now: a pod that refuses, or worse, one that answers. The endpoint's targetRef names the pod it was written for,
    with its uid.
Confirm:
    kubectl get endpointslices -l kubernetes.io/service-name=NAME -o yaml; kubectl get pods -A -o wide
Fix:
    Write the pod's address of today into the slice, or give the Service a selector and delete the slice.
See:
    https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#ownership
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import command
from kubectl_refused.fixes.endpoint_slice import CONTROLLER, writer
from kubectl_refused.model.evidence import Evidence, Finding, Fix
from kubectl_refused.model.facts import HOLDER, PODS_IN, AddressKey, NamespaceKey
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Holder
from kubectl_refused.model.scene import Endpoint, Scene
from kubectl_refused.trace.departed import MOST_ASKED, departure
from kubectl_refused.trace.proofs import field


@cause(
    "KR422",
    scope=Scope.ROUTE,
    reads={HOLDER, PODS_IN},
    produces={Symptom.RST, Symptom.SILENCE, Symptom.NO_LISTENER},
    since="0.2",
    needs_symptom=True,
)
def pod_address_reused(scene: Scene) -> Iterator[Finding]:
    """Yield when another pod has an endpoint's address than the one that its targetRef names.

    Such an address is not dialled, since it is somebody else's.
    """
    if scene.from_files:
        return
    for endpoint in [e for e in scene.ready_endpoints if _is_elsewhere(e)][:MOST_ASKED]:
        holder = scene.maybe(HOLDER, AddressKey(endpoint.address))
        if holder is None or holder.kind != "Pod" or holder.name == endpoint.target_name:
            continue
        pods = scene.maybe(PODS_IN, NamespaceKey(scene.target.namespace)) or ()
        meant = next((p for p in pods if p.metadata.name == endpoint.target_name), endpoint.pod)
        yield _finding(scene, endpoint, holder, meant)


def _is_elsewhere(endpoint: Endpoint) -> bool:
    """Whether the pod that is meant has not that address, as far as it was read."""
    status = endpoint.pod.status if endpoint.pod else None
    addresses = {status.pod_ip or "", *(each.ip for each in status.pod_ips or ())} if status else set()
    return bool(endpoint.target_name) and endpoint.address not in addresses


def _finding(scene: Scene, endpoint: Endpoint, holder: Holder, meant: Pod | None) -> Finding:
    where = "" if holder.namespace == scene.target.namespace else f" of namespace {holder.namespace}"
    other = f"pod/{holder.name}{where}"
    source = f"endpointslice/{endpoint.slice_name}"
    return Finding(
        where=source,
        says=f"{source} lists {endpoint.address} as pod/{endpoint.target_name}'s; {other} has it now",
        headline=f"its endpoint {endpoint.address} leads to {other}, not to pod/{endpoint.target_name}",
        evidence=(departure(scene, endpoint, holder), *_whereabouts(scene, endpoint, meant)),
        fix=_fix(scene, endpoint, meant),
    )


def _whereabouts(scene: Scene, endpoint: Endpoint, meant: Pod | None) -> Iterator[Evidence]:
    """Where the pod that is meant is today, and whether it is still that one."""
    if meant is None:
        return
    subject, address = f"pod/{meant.metadata.name}", _address(meant)
    if address:
        yield field(scene, subject, "status.podIP", address, f"{subject} has {address}")
    if endpoint.target_uid and meant.metadata.uid != endpoint.target_uid:
        says = f"{subject} was made anew: the targetRef has the uid of an earlier one"
        yield field(scene, subject, "metadata.uid", meant.metadata.uid, says)


def _address(pod: Pod) -> str:
    return (pod.status.pod_ip if pod.status else None) or ""


def _fix(scene: Scene, endpoint: Endpoint, meant: Pod | None) -> Fix:
    if all(writer(s) == CONTROLLER for s in scene.slices if s.metadata.name == endpoint.slice_name):
        return Fix(summary="Bring kube-controller-manager back: its EndpointSlices do not follow the pods")
    if scene.service is not None and scene.service.spec.selector:
        line = command(scene, "delete", f"endpointslice/{endpoint.slice_name}")
        summary = f"Delete endpointslice/{endpoint.slice_name}: the selector has slices of its own"
        return Fix(summary=summary, command=line)
    now = (_address(meant) if meant else "") or "the addresses of today"
    return Fix(summary=f"Write {now} into endpointslice/{endpoint.slice_name}, or give the Service a selector")
