"""The StatefulSet behind the headless Service names another, which is not there.

Why it refuses:
    A StatefulSet's pods get names of their own (web-0.NAME.NAMESPACE.svc) under the one headless Service that its
    serviceName names, and under no other. Where that Service does not exist, or does not select them, clients
    and peers that dial a pod by its name find no such name, although the Service that does exist works.
Confirm:
    kubectl get statefulset NAME -o jsonpath='{.spec.serviceName}'; kubectl get service
Fix:
    Make a headless Service of that name; serviceName itself cannot be changed, only the StatefulSet made anew.
See:
    https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#stable-network-id
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import command
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix, WitnessEvidence
from kubectl_refused.model.facts import LOOKUP, SERVICES_IN, WORKLOAD, NameKey, NamespaceKey
from kubectl_refused.model.objects import Pod, Service, Workload
from kubectl_refused.model.observation import Lookup
from kubectl_refused.model.scene import Scene, pod_key
from kubectl_refused.trace.labels import carries
from kubectl_refused.trace.nearest import likeness
from kubectl_refused.trace.proofs import field, nearest_miss, service_subject

# Below this the two names were hardly meant to be one.
ALIKE = 0.6


@cause(
    "KR232",
    scope=Scope.ROUTE,
    reads={LOOKUP, SERVICES_IN, WORKLOAD},
    produces=Symptom.NO_NAME,
    since="0.2",
    needs_symptom=True,
)
def stateful_set_names_another_service(scene: Scene) -> Iterator[Finding]:
    """Yield when pods behind a headless Service have no name at all, as their governing Service is not there."""
    service = scene.service
    if service is None or service.spec.cluster_ip != "None" or scene.from_files:
        return
    pod = next((p for p in scene.pods if _of_stateful_set(p)), None)
    workload = scene.maybe(WORKLOAD, pod_key(pod)) if pod else None
    if pod is None or workload is None or workload.kind != "StatefulSet":
        return
    named = workload.spec.service_name or ""
    if named in ("", service.metadata.name):
        return  # without any serviceName nobody meant the pods to have names
    services = scene.need(SERVICES_IN, NamespaceKey(scene.target.namespace))
    if any(s.metadata.name == named and _names(s, pod) for s in services):
        return  # the pods have their names there: this one is for something else
    asked = f"{pod.metadata.name}.{service.metadata.name}.{scene.target.namespace}.svc"
    seen = scene.maybe(LOOKUP, NameKey(asked, scene.vantage.key))
    if seen is not None and seen.addresses:
        return
    yield _finding(scene, service, pod, workload, seen)


def _of_stateful_set(pod: Pod) -> bool:
    return any(o.controller and o.kind == "StatefulSet" for o in pod.metadata.owner_references or ())


def _names(service: Service, pod: Pod) -> bool:
    """Whether DNS names the pod under the Service: it must be headless and select it (DNS specification)."""
    selector = service.spec.selector
    return service.spec.cluster_ip == "None" and bool(selector) and carries(pod.metadata.labels, selector or {})


def _finding(scene: Scene, service: Service, pod: Pod, workload: Workload, seen: Lookup | None) -> Finding:
    owner, named = f"statefulset/{workload.metadata.name}", workload.spec.service_name or ""
    told, wanted = f"serviceName is {named}", service.metadata.name
    absent = f"no headless Service {named} selects pod/{pod.metadata.name}"
    evidence: list[Evidence] = [
        field(scene, owner, "spec.serviceName", named, told),
        field(
            scene, service_subject(scene), "metadata.name", wanted, f"the headless Service is {wanted}; {absent}"
        ),
    ]
    if likeness(named, wanted) >= ALIKE:
        evidence.append(nearest_miss(scene, owner, "serviceName", named, wanted, f"{wanted} is the nearest name"))
    if seen is not None:
        says = f"{seen.name}: {seen.error or 'no address'}"
        evidence.append(WitnessEvidence(witness=seen.witness, subject=seen.name, says=says))
    return Finding(
        where=owner,
        says=f"{told}, the headless Service is {wanted}: its pods have no names",
        headline=f"names such as {pod.metadata.name}.{wanted} do not exist: {owner} names the Service {named}",
        certainty=Certainty.PROVED if seen is not None else Certainty.LIKELY,
        evidence=tuple(evidence),
        fix=_fix(scene, service, owner, named),
    )


def _fix(scene: Scene, service: Service, owner: str, named: str) -> Fix:
    selector = ",".join(f"{k}={v}" for k, v in sorted((service.spec.selector or {}).items()))
    ports = [f"--tcp={p.port}:{p.port}" for p in service.spec.ports or () if p.protocol == "TCP"]
    made = command(scene, "create", "service", "clusterip", named, "--clusterip=None", *ports)
    line = f"{made} && {command(scene, 'set', 'selector', f'service/{named}', selector)}"
    summary = f"Make the headless Service {named} that {owner} names, or {owner} anew with {service.metadata.name}"
    return Fix(summary=summary, command=line)
