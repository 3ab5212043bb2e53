"""The mesh's proxy beside the app is not ready, and so no endpoint is.

Why it refuses:
    A pod is ready once all its containers are. A sidecar that cannot reach its control plane, or got no
    certificate, never is: the app works, and its Service has no endpoint. Istio's tells so on port 15021,
    Linkerd's on 4191.
Confirm:
    kubectl logs POD -c istio-proxy
    kubectl get pods -n istio-system    # the control plane that it waits for
Fix:
    Mend the control plane, or whatever the proxy's log names; then it becomes ready by itself.
See:
    https://istio.io/latest/docs/ops/common-problems/network-issues/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.proofs import field
from kubectl_refused.trace.runtimes import mesh_of
from kubectl_refused.trace.statuses import reported


@cause("KR506", scope=Scope.POD, produces=Symptom.NOT_READY, since="0.3", needs_symptom=True)
def sidecar_not_ready(scene: Scene) -> Iterator[Finding]:
    """Yield when the proxy runs and is not ready, while every container of the app is."""
    pod = scene.pod
    mesh = mesh_of(pod) if pod else None
    if pod is None or mesh is None or not mesh.container:
        return
    seen = list(reported(pod))
    proxy = next((one.status for one in seen if one.status.name == mesh.container), None)
    apps = [one.status for one in seen if not one.init and one.status.name != mesh.container]
    if proxy is None or proxy.ready or not (proxy.state and proxy.state.running):
        return
    if not apps or not all(one.ready for one in apps):
        return
    subject = f"pod/{pod.metadata.name}"
    path = f"status.containerStatuses[{proxy.name}].ready"
    yield Finding(
        where=f"container {proxy.name} of {subject}",
        says=f"container {proxy.name} runs and is not ready, while the app's containers are",
        headline=f"{mesh.proxy} is not ready, and so the pod is not: the app itself is",
        evidence=(
            field(scene, subject, path, proxy.ready, f"container {proxy.name} runs and is not ready"),
            *(
                field(
                    scene,
                    subject,
                    f"status.containerStatuses[{one.name}].ready",
                    one.ready,
                    f"{one.name} is ready",
                )
                for one in apps[:2]
            ),
        ),
        fix=Fix(summary=f"Mend what the log of container {proxy.name} names: mostly {mesh.name}'s control plane"),
    )
