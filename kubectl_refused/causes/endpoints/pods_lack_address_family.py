"""The Service has an address of a family in which its pods have none.

Why it refuses:
    For each of spec.ipFamilies there are EndpointSlices of that family, with the pods' addresses of that family
    alone. Pods that have none are left out, ready or not (seen): the ClusterIP of that family has no endpoints and
    is rejected, while the other one works. Clients choose by what DNS gives them, often IPv6 first.
Confirm:
    kubectl get pods -o jsonpath='{..podIPs}'; kubectl get svc NAME -o jsonpath='{.spec.ipFamilies}'
Fix:
    Leave the Service the pods' family alone. PreferDualStack adds it beside the one that fails, which goes on
    failing (seen): the first family of a Service can only be changed by making it anew.
See:
    https://kubernetes.io/docs/concepts/services-networking/dual-stack/#services
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import service_change
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.objects import Pod, Service
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.proofs import field, service_subject
from kubectl_refused.trace.statuses import condition


@cause(
    "KR228", scope=Scope.ROUTE, produces={Symptom.NO_ENDPOINTS, Symptom.REJECT}, since="0.2", needs_symptom=True
)
def pods_lack_address_family(scene: Scene) -> Iterator[Finding]:
    """Yield when pods are ready, and none has an address of the path's family."""
    service = scene.service
    if scene.from_files or service is None or scene.port is None or scene.endpoints:
        return
    ready = [pod for pod in scene.pods if _ready(pod) and addresses(pod)]
    if not ready or any((":" in a) == (scene.family == "IPv6") for pod in ready for a in addresses(pod)):
        return
    has = "IPv4" if scene.family == "IPv6" else "IPv6"
    families = list(service.spec.ip_families or ())
    first = ready[0]
    told = ", ".join(addresses(first))
    yield Finding(
        where=f"svc/{scene.target.name} in {scene.family}",
        says=f"spec.ipFamilies has {scene.family}; its {len(ready)} ready pods have {has} addresses only",
        headline=f"its pods have no {scene.family} address",
        evidence=(
            field(
                scene, service_subject(scene), "spec.ipFamilies", families, f"ipFamilies: {', '.join(families)}"
            ),
            field(scene, f"pod/{first.metadata.name}", "status.podIPs", list(addresses(first)), f"podIPs: {told}"),
            field(
                scene,
                f"endpointslices of {service_subject(scene)}",
                "endpoints",
                None,
                f"no endpoint of addressType {scene.family}",
            ),
        ),
        fix=_fix(scene, service, has),
    )


def addresses(pod: Pod) -> tuple[str, ...]:
    """The pod's addresses, each once."""
    if pod.status is None:
        return ()
    given = (pod.status.pod_ip or "", *(each.ip for each in pod.status.pod_ips or ()))
    return tuple(dict.fromkeys(one for one in given if one))


def _ready(pod: Pod) -> bool:
    ready = condition(pod, "Ready")
    return bool(ready and ready.status == "True" and pod.metadata.deletion_timestamp is None)


def _fix(scene: Scene, service: Service, has: str) -> Fix:
    """A Service keeps its first family (dual-stack, switching Services): only the second can come and go."""
    if (service.spec.ip_families or ("",))[0] == has:
        return service_change(scene, f"Leave it its {has} address alone", {"ipFamilyPolicy": "SingleStack"})
    return Fix(
        summary=f"Make svc/{scene.target.name} anew with ipFamilies [{has}], as a Service keeps its first family, "
        f"or give its pods {scene.family} addresses"
    )
