"""Paths without a symptom: nothing is dialled, every pod is well, the slices list what the selector finds. Pure.

Most Services of a large cluster are like this, and hardly any cause has a word to say of them: those that do need
something that went wrong, and say so (`needs_symptom`). A scan asks only the others.
"""

from __future__ import annotations

from kubectl_refused.fixes.endpoint_slice import CONTROLLER, writer
from kubectl_refused.model.facts import HANDSHAKE
from kubectl_refused.model.objects import ContainerStatus, Pod, PodStatus, Service
from kubectl_refused.model.scene import Endpoint, Scene

from .statuses import condition


def calm(scene: Scene) -> bool:
    """Whether nothing on the path looks wrong, or is of a sort that the objects alone do not settle."""
    if not calm_by_slices(scene) or len(scene.endpoints) != len(scene.pods):
        return False
    chosen = {pod.metadata.name for pod in scene.pods}
    return all(_is_of_a_well_pod(endpoint, chosen) for endpoint in scene.endpoints)


def calm_by_slices(scene: Scene) -> bool:
    """The same, as far as the Service and its slices tell: their controller lists only pods, and all are ready."""
    service, port = scene.service, scene.port
    if service is None or port is None or port.protocol != "TCP" or not scene.entrance or not _plain(service):
        return False
    if HANDSHAKE not in scene.facts.beyond or scene.from_files or scene.door is not None:
        return False
    if not scene.endpoints or any(writer(part) != CONTROLLER for part in scene.slices):
        return False
    return all(_serves(endpoint) for endpoint in scene.endpoints)


def _plain(service: Service) -> bool:
    """Whether it sends everybody to each of its pods, and to those that are ready only."""
    spec = service.spec
    if not spec.selector or spec.publish_not_ready_addresses or service.metadata.deletion_timestamp:
        return False
    return "Local" not in (spec.internal_traffic_policy, spec.external_traffic_policy)


def _serves(endpoint: Endpoint) -> bool:
    """Whether it gets traffic, and leads to a pod."""
    if not endpoint.target_name or endpoint.port is None:
        return False
    return endpoint.ready and endpoint.serving and not endpoint.terminating


def _is_of_a_well_pod(endpoint: Endpoint, chosen: set[str]) -> bool:
    """Whether it leads to a pod that the selector finds, has that address and is well."""
    pod = endpoint.pod
    if pod is None:
        return False
    if pod.metadata.name not in chosen or endpoint.target_uid not in ("", pod.metadata.uid):
        return False
    status = pod.status
    return status is not None and endpoint.address in _addresses(status) and _well(pod, status)


def _addresses(status: PodStatus) -> tuple[str | None, ...]:
    return (status.pod_ip, *(each.ip for each in status.pod_ips or ()))


def _well(pod: Pod, status: PodStatus) -> bool:
    """Whether it runs as if it had never done anything else."""
    if status.phase != "Running" or status.reason or pod.metadata.deletion_timestamp or pod.spec.host_network:
        return False
    ready = condition(pod, "Ready")
    mine = status.container_statuses or ()
    return (
        ready is not None
        and ready.status == "True"
        and bool(mine)
        and all(_runs(each) for each in mine)
        and all(_is_over(each) or _runs(each) for each in status.init_container_statuses or ())
    )


def _runs(status: ContainerStatus) -> bool:
    return status.ready and status.state.running is not None and status.last_state.terminated is None


def _is_over(status: ContainerStatus) -> bool:
    ended = status.state.terminated
    return ended is not None and ended.exit_code == 0
