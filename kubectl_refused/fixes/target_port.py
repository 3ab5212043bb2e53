"""The change of a Service's targetPort."""

from __future__ import annotations

from kubectl_refused.model.evidence import Fix
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.containers import declares, said_listeners, shared_name

from .change import named, service_change, workload_of


def headless(scene: Scene) -> bool:
    """Whether clients dial the Service's port on the pods themselves, so that targetPort plays no part."""
    return scene.service is not None and scene.service.spec.cluster_ip == "None"


def target_port_change(scene: Scene, meant: int | str) -> Fix:
    """Set targetPort to `meant`; a headless Service translates nothing: its callers use the port itself."""
    assert scene.service is not None
    assert scene.port is not None
    if headless(scene):
        return Fix(summary=f"Call port {meant} of svc/{scene.target.name}: it is headless and translates no port")
    entry = {"port": scene.port.port, "protocol": scene.port.protocol, "targetPort": meant}
    return service_change(scene, f"Set targetPort of port {scene.port.port} to {meant}", {"ports": [entry]})


def pods_on(scene: Scene, aimed: int) -> tuple[Pod, ...]:
    """Other pods of the Service for which the port aimed at is right: they accepted, or their flags say so."""
    if scene.from_files:
        here = scene.pod.metadata.name if scene.pod else ""
        return tuple(p for p in scene.pods if p.metadata.name != here and _says(p, aimed))
    seen = ((e, scene.handshake(scene.at_endpoint(e).endpoint_dial)) for e in scene.ready_endpoints)
    return tuple(e.pod for e, h in seen if e.pod and e.port == aimed and h and h.outcome is Outcome.ACCEPTED)


def aim(scene: Scene, pod: Pod, aimed: int, meant: int) -> tuple[str, Fix]:
    """(headline, fix) where a pod listens on `meant` and is sent to `aimed`.

    A number that mends one pod and breaks others is no fix: then a name that both declare is, or the pod changes.
    """
    others = pods_on(scene, aimed)
    if others:
        told = f"{pod.metadata.name} listens on {meant}, not on {aimed} like {len(others)} of its pods"
        name = shared_name([(pod, meant), *((other, aimed) for other in others)])
        if name:
            return told, target_port_change(scene, name)
        return told, _in_the_pod(scene, pod, f"Listen on {aimed} as the other pods do, or be selected no longer")
    mine, its = declares(pod, aimed), declares(pod, meant)
    if mine and its and mine != its:
        told = f"container {mine} does not listen on {aimed}; container {its} listens on {meant}"
        return told, _in_the_pod(scene, pod, f"Make container {mine} serve port {aimed}")
    told = f"it is headless, so clients dial {aimed}" if headless(scene) else f"targetPort is {aimed}"
    return f"{told}, the app listens on {meant}", target_port_change(scene, meant)


def _in_the_pod(scene: Scene, pod: Pod, summary: str) -> Fix:
    kind, metadata, _ = workload_of(scene, pod)
    owner = named(kind, metadata.name)
    return Fix(summary=f"{summary} ({owner})", owner=owner)


def _says(pod: Pod, port: int) -> bool:
    return any(said == port for c in pod.spec.containers or () for _, said in said_listeners(c))
