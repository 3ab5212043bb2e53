"""The change of a Service's targetPort."""

from __future__ import annotations

from kubectl_refused.model.evidence import Fix
from kubectl_refused.model.scene import Scene

from .change import service_change


def target_port_change(scene: Scene, meant: int | str) -> Fix:
    """Set targetPort to `meant`; a headless Service translates nothing: its callers use the port itself."""
    assert scene.service is not None
    assert scene.port is not None
    if scene.service.spec.cluster_ip == "None":
        return Fix(summary=f"Call port {meant} of svc/{scene.target.name}: it is headless and translates no port")
    entry = {"port": scene.port.port, "protocol": scene.port.protocol, "targetPort": meant}
    return service_change(scene, f"Set targetPort of port {scene.port.port} to {meant}", {"ports": [entry]})
