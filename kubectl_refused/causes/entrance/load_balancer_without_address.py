"""A Service of type LoadBalancer has no address: nobody has given it one.

Why it refuses:
    type: LoadBalancer is a wish: a controller outside of Kubernetes itself (a cloud's, MetalLB, cilium,
    cloud-provider-kind) makes a load balancer and writes its address into the status. Where no such controller
    runs, as in a plain kind, minikube or kubeadm cluster, EXTERNAL-IP stays <pending> for ever, and there is no
    address to connect to. Its ClusterIP and nodePorts work all the same.
Confirm:
    kubectl get svc NAME    # EXTERNAL-IP is <pending>
    kubectl describe svc NAME    # events of the controller, if there is one
Fix:
    Install a controller that gives addresses, or dial a node's address at the nodePort, or use an Ingress.
See:
    https://kubernetes.io/docs/concepts/services-networking/service/#loadbalancer
    https://kind.sigs.k8s.io/docs/user/loadbalancer/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.entrances import Entry
from kubectl_refused.model.evidence import EventEvidence, Evidence, Finding, Fix
from kubectl_refused.model.facts import EVENTS_OF, WorkloadKey
from kubectl_refused.model.objects import Event, Service
from kubectl_refused.model.scene import Scene
from kubectl_refused.text import one_line
from kubectl_refused.trace.proofs import field

# k8s.io/cloud-provider controllers/service/controller.go writes these; MetalLB and others have words of their own.
_TOLD = ("SyncLoadBalancerFailed", "AllocationFailed", "CreatingLoadBalancerFailed")


@cause("KR831", scope=Scope.ENTRANCE, reads={EVENTS_OF}, produces=Symptom.NO_NAME, since="0.3")
def load_balancer_without_address(scene: Scene) -> Iterator[Finding]:
    """Yield when the status has neither an address nor a name, with what a controller says of it."""
    door = scene.door
    if not isinstance(door, Entry) or not isinstance(door.owner, Service) or door.address or scene.from_files:
        return
    service = door.owner
    key = WorkloadKey(service.metadata.namespace, "Service", service.metadata.name)
    events = [one for one in scene.maybe(EVENTS_OF, key) or () if one.type == "Warning" or one.reason in _TOLD]
    subject = f"service/{service.metadata.name}"
    asked = service.spec.load_balancer_class
    says = "its status has no address" + (f", and its class is {asked}" if asked else "")
    evidence: list[Evidence] = [field(scene, subject, "status.loadBalancer.ingress", None, says)]
    evidence += [EventEvidence(witness="api server", subject=subject, says=_line(e), reason=e.reason)
                 for e in events[-1:]]  # fmt: skip
    yield Finding(
        where=f"{subject}, status.loadBalancer",
        says=f"{says}: {_line(events[-1])}" if events else f"{says}: no controller has given it one",
        headline="no load balancer has given it an address",
        evidence=tuple(evidence),
        fix=Fix(summary=_summary(service, events)),
    )


def _line(event: Event) -> str:
    return f"{event.reason}: {one_line(event.message)}"


def _summary(service: Service, events: Sequence[Event]) -> str:
    if events:
        return "Mend what the controller of load balancers names"
    asked, ports = service.spec.load_balancer_class, [p.node_port for p in service.spec.ports or () if p.node_port]
    what = f"the controller of class {asked}" if asked else "a controller of load balancers"
    instead = f", or dial a node's address at nodePort {ports[0]}" if ports else ""
    return f"Install {what} (MetalLB, cloud-provider-kind, a cloud's){instead}"
