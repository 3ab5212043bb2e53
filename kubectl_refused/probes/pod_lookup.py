"""Find the pod a need is about: among what was read already, else with one GET."""

from __future__ import annotations

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound
from kubectl_refused.model.facts import PODS_IN, NamespaceKey, PodKey
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Pod
from kubectl_refused.probes.base import ProbeContext
from kubectl_refused.sources.decoding import OddObject, decode
from kubectl_refused.sources.reads import gap_of, namespaced


def find_pod(context: ProbeContext, key: PodKey) -> Pod | Gap:
    """Return the pod, or a Gap where it is gone or may not be read."""
    seen = context.snapshot.objects.get(("Pod", key.namespace, key.name))
    if isinstance(seen, Pod):
        return seen
    known = context.facts.get(PODS_IN, NamespaceKey(key.namespace))
    if known is not None and not isinstance(known, Gap):
        for pod in known:
            if pod.metadata.name == key.name:
                return pod
    what = f"pod/{key.name}"
    try:
        return decode(context.connection.get_bytes(namespaced(key.namespace, "pods", key.name)), Pod)
    except (Forbidden, NotFound, ApiProblem) as error:
        return gap_of(error, what)
    except OddObject:
        return Gap(what, "it does not read as a pod")


def running_containers(pod: Pod) -> tuple[str, ...]:
    """Return the names of the pod's running containers, the application's own before sidecars.

    kubectl's default-container annotation names the application's; a sidecar in the API's sense is an init
    container that keeps running (restartPolicy Always).
    """
    status = pod.status
    if status is None:
        return ()
    main = [c.name for c in status.container_statuses or () if c.state.running]
    sidecars = [c.name for c in status.init_container_statuses or () if c.state.running]
    default = (pod.metadata.annotations or {}).get("kubectl.kubernetes.io/default-container")
    main.sort(key=lambda name: (name != default, name in INJECTED))
    return (*main, *sidecars)


# Containers that meshes and secret managers inject under these fixed names.
INJECTED = frozenset(
    {
        "istio-proxy",
        "linkerd-proxy",
        "kuma-sidecar",
        "consul-dataplane",
        "envoy-sidecar",
        "vault-agent",
        "daprd",
    }
)
