"""There is no load balancer of that name: no Service, or one of another type.

Why it refuses:
    Only a Service of type LoadBalancer gets a load balancer. Services of the other types have their own address,
    which only the cluster's nodes and pods reach, and NodePorts those of the nodes.
Confirm:
    kubectl get svc    # TYPE, EXTERNAL-IP
Fix:
    Ask for the right name, or set spec.type to LoadBalancer.
See:
    https://kubernetes.io/docs/concepts/services-networking/service/#publishing-services-service-types
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Evidence, Finding, Fix
from kubectl_refused.model.facts import SERVICES_IN, NamespaceKey
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.nearest import nearest
from kubectl_refused.trace.proofs import field, nearest_miss

TYPE = "LoadBalancer"


@cause("KR842", scope=Scope.ENTRANCE, reads={SERVICES_IN}, produces=Symptom.NO_NAME, since="0.3")
def no_load_balancer(scene: Scene) -> Iterator[Finding]:
    """Yield when the Service was looked for and is not there, or is of another type."""
    target = scene.target
    if target.kind != TYPE or scene.door is not None or not scene.snapshot.read("Service", target.namespace):
        return
    service, subject = scene.snapshot.service(target.namespace, target.name), f"service/{target.name}"
    if service is not None and service.spec.type == TYPE:
        return  # it has no TCP port
    if service is not None:
        says = f"spec.type of {subject} is {service.spec.type}"
        yield Finding(
            where=subject,
            says=says,
            headline=f"svc/{target.name} is of type {service.spec.type}, which has no load balancer",
            evidence=(field(scene, subject, "spec.type", service.spec.type, says),),
            fix=Fix(summary=f"Ask about svc/{target.name}, or set its type to {TYPE}"),
        )
        return
    here = scene.maybe(SERVICES_IN, NamespaceKey(target.namespace)) or ()
    meant = nearest(target.name, (one.metadata.name for one in here if one.spec.type == TYPE))
    says = f"namespace {target.namespace} has no Service {target.name}"
    evidence: list[Evidence] = [field(scene, subject, "metadata.name", target.name, says)]
    if meant:
        told = f"service/{meant} is the nearest name of type {TYPE}"
        evidence.append(nearest_miss(scene, f"service/{meant}", "name", target.name, meant, told))
    yield Finding(
        where=f"namespace {target.namespace}",
        says=says,
        headline=f"there is no Service {target.name} in namespace {target.namespace}",
        evidence=tuple(evidence),
        fix=Fix(summary=f"Ask about lb/{meant}" if meant else f"Create the Service {target.name}"),
    )
